"""The filters of the list of payments, as they stand in the address."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from back_office.web.days import NoDay, begin_of, check_order, parse_day
from back_office.web.filters import CURRENCY_LETTERS, ListFilters, check_currency
from back_office.web.money import NoAmount, parse_money
from back_office.web.typed_amounts import typed_amount

STATUSES = (
    *("pending", "requires_payment_method", "requires_confirmation", "requires_action", "processing"),
    *("requires_capture", "succeeded", "canceled", "failed"),
)
_PAGE = 25


class PaymentFilters(ListFilters):
    """What was written into the form: text, which may be wrong. Days are of the business zone."""

    status: str = ""
    user_id: str = ""
    currency: str = ""
    from_day: str = ""
    to_day: str = ""
    amount_min: str = ""
    amount_max: str = ""
    stripe_payment_intent_id: str = ""
    idempotency_key: str = ""
    split_payment_id: str = ""
    decimal_amount: str = ""
    request_id: str = ""
    correlation_id: str = ""
    contradicted: str = ""
    disputed: str = ""
    refusal_code: str = ""
    columns: tuple[str, ...] = ()

    def given(self) -> dict[str, str]:
        """Return those that are given, but for the page."""
        given = self.model_dump(exclude={"cursor", "columns"}) | {"columns": ",".join(self.columns)}
        return {name: value for name, value in given.items() if value}

    def narrowing(self) -> dict[str, str]:
        """Return those that say which payments, not how they are shown."""
        return {name: value for name, value in self.given().items() if name != "columns"}

    def parameters(self, zone: ZoneInfo) -> tuple[dict[str, str], dict[str, str]]:
        """Return the query API's parameters; and what is wrong, by field: nothing is asked for then."""
        names = (
            *("status", "user_id", "stripe_payment_intent_id", "idempotency_key", "split_payment_id", "contradicted"),
            *("disputed", "refusal_code", "request_id", "correlation_id"),
        )
        found = {name: getattr(self, name) for name in names}
        wrong: dict[str, str] = {}
        found["currency"] = self.currency.upper()
        check_currency(self.currency, wrong)
        for name in ("amount_min", "amount_max"):
            found[name] = self._amount(name, wrong)
        found |= self._decimal_amount(wrong)
        # The API has "later than" and "earlier than": a microsecond before a day is the end of the one before it.
        if (first := _day(self.from_day, zone, "from_day", wrong)) is not None:
            try:
                found["created_after"] = (first - timedelta(microseconds=1)).isoformat()
            except OverflowError:  # there is nothing before the first day of the calendar
                wrong["from_day"] = str(NoDay())
        if (end := _day(self.to_day, zone, "to_day", wrong, days_later=1)) is not None:
            found["created_before"] = end.isoformat()
        check_order(self.from_day, self.to_day, wrong)
        found |= {"cursor": self.cursor, "limit": str(_PAGE)}
        return {name: value for name, value in found.items() if value}, wrong

    def _decimal_amount(self, wrong: dict[str, str]) -> dict[str, str]:
        if not self.decimal_amount:
            return {}
        amount = typed_amount(f"{self.decimal_amount} {self.currency}")
        if amount is None:
            wrong["decimal_amount"] = "A number as 12.34 or 1,234.50, with the decimals of its currency."
            return {}
        return {"decimal_amount": amount.number, "currency": amount.currency or ""}

    def _amount(self, name: str, wrong: dict[str, str]) -> str:
        written = getattr(self, name)
        if not written:
            return ""
        if len(self.currency) != CURRENCY_LETTERS:
            wrong.setdefault("currency", "An amount needs its currency: 10 is not the same in every one.")
            return ""
        try:
            return str(parse_money(written, self.currency.upper()))
        except NoAmount as error:
            wrong[name] = str(error)
            return ""


def _day(text: str, zone: ZoneInfo, name: str, wrong: dict[str, str], *, days_later: int = 0) -> datetime | None:
    try:
        day = parse_day(text)
        return None if day is None else begin_of(day, zone, days_later=days_later)
    except NoDay as error:
        wrong[name] = str(error)
        return None

"""The filters of the overview, as they stand in the address."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from back_office.web.days import NoDay, parse_day
from back_office.web.filters import Filters, check_currency

MOST_DAYS = 366
_DAYS = 30


class OverviewFilters(Filters):
    """What was written into the form: text, which may be wrong. Days are of the business zone."""

    from_day: str = ""
    to_day: str = ""
    currency: str = ""

    def days(self, today: date) -> "tuple[Days | None, dict[str, str]]":
        """Return the days that are asked for: the last 30 unless something is said; and what is wrong, by field."""
        wrong: dict[str, str] = {}
        first, last = self._day("from_day", wrong), self._day("to_day", wrong)
        check_currency(self.currency, wrong)
        if wrong:
            return None, wrong
        last = last or max(today, first or today)
        try:
            first = first or last - timedelta(days=_DAYS - 1)
        except OverflowError:
            return None, {"to_day": "A day, as 2026-05-01."}
        if first > last:
            return None, {"to_day": "Not before the first day."}
        if (last - first).days >= MOST_DAYS:
            return None, {"from_day": f"At most {MOST_DAYS} days at once."}
        return Days(first=first, last=last), {}

    def _day(self, name: str, wrong: dict[str, str]) -> date | None:
        try:
            return parse_day(getattr(self, name))
        except NoDay as error:
            wrong[name] = str(error)
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """From a day to another, both inclusive."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1))

"""Reads balance transactions and payouts.

https://docs.stripe.com/api/balance_transactions/object, https://docs.stripe.com/api/payouts/object
"""

from collections.abc import Mapping
from typing import Any

from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.ids import is_an_id, listed_id_of, required_id_of
from consumers.stripe.translate.numbers import exchange_rate, moment, whole_number
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.money import SignedMoney
from domain.reconciliation.rows import PayoutSum, StripeRow
from domain.stripe_balance import PayoutChanged, PayoutStatus, TransactionRecorded
from schemas.storable_text import storable

_NO_FIELDS = (AttributeError, KeyError, TypeError, ValueError)
"""What reading an object raises that is not as its documentation says."""


def transaction_of(row: Mapping[str, Any]) -> TransactionRecorded:
    """Read a balance transaction. Raises UnexpectedObject."""
    try:
        return TransactionRecorded(
            transaction_id=BalanceTransactionId(_own_id(row)),
            type=_text(row, "type"),
            reporting_category=_text(row, "reporting_category"),
            amount=whole_number(row, "amount"),
            fee=whole_number(row, "fee"),
            net=whole_number(row, "net"),
            currency=_text(row, "currency").upper(),
            source_id=_source_id(row.get("source")),
            exchange_rate=_rate(row),
            description=_description(row),
            created=moment(row, "created"),
            available_on=moment(row, "available_on"),
        )
    except _NO_FIELDS as error:
        raise _unexpected("balance transaction", row, error) from error


def payout_of(row: Mapping[str, Any]) -> PayoutChanged:
    """Read a payout. Raises UnexpectedObject, for a status that is not known too."""
    try:
        return PayoutChanged(
            payout_id=PayoutId(_own_id(row)),
            amount=whole_number(row, "amount"),
            currency=_text(row, "currency").upper(),
            status=PayoutStatus(row["status"]),
            automatic=bool(row["automatic"]),
            arrival_date=moment(row, "arrival_date"),
            failure_code=_optional_text(row, "failure_code"),
            created=moment(row, "created"),
        )
    except _NO_FIELDS as error:
        raise _unexpected("payout", row, error) from error


def statement_row_of(transaction: Mapping[str, Any]) -> StripeRow:
    """Return a balance transaction as a row of the statement; one without a source is its own source.

    Raises UnexpectedObject.
    """
    try:
        own_id = _own_id(transaction)
        return StripeRow(
            source_id=BalanceSourceId(_source_id(transaction.get("source")) or own_id),
            category=_text(transaction, "reporting_category"),
            transaction_id=BalanceTransactionId(own_id),
            amount=whole_number(transaction, "amount"),
            fee=whole_number(transaction, "fee"),
            currency=_text(transaction, "currency").upper(),
            created=moment(transaction, "created"),
            exchange_rate=_rate(transaction),
        )
    except _NO_FIELDS as error:
        raise _unexpected("balance transaction", transaction, error) from error


def statement_payout_of(row: Mapping[str, Any]) -> PayoutSum | None:
    """Return a payout, its items not summed up yet; None for one that is not automatic. Raises UnexpectedObject."""
    try:
        if not row["automatic"]:
            return None
        currency = _text(row, "currency").upper()
        return PayoutSum(
            payout_id=PayoutId(_own_id(row)),
            amount=SignedMoney(amount_cents=whole_number(row, "amount"), currency=currency),
            created=moment(row, "created"),
            items=0,
            items_net=SignedMoney(amount_cents=0, currency=currency),
            final=row.get("reconciliation_status") == "completed",
        )
    except _NO_FIELDS as error:
        raise _unexpected("payout", row, error) from error


def _own_id(row: Mapping[str, Any]) -> str:
    found = listed_id_of(row)
    if found is None:
        raise ValueError("it has no id by which it can be asked for")
    return found


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row[name]
    if not isinstance(found, str):
        raise TypeError(f"{name} is no text")
    found.encode()  # half a character is none: UnicodeEncodeError
    return found


def _optional_text(row: Mapping[str, Any], name: str) -> str | None:
    return None if row.get(name) is None else _text(row, name)


def _description(row: Mapping[str, Any]) -> str | None:
    """Return what people may have written, without what cannot be stored: the amount counts all the same."""
    found = row.get("description")
    if found is not None and not isinstance(found, str):
        raise TypeError("description is no text")
    return None if found is None else storable(found)


def _rate(row: Mapping[str, Any]) -> str | None:
    return None if exchange_rate(row) is None else str(row["exchange_rate"])


def _unexpected(kind: str, row: Any, error: Exception) -> UnexpectedObject:
    return UnexpectedObject(f"{kind} {listed_id_of(row)}: {type(error).__name__}: {error}")


def _source_id(source: Any) -> BalanceSourceId | None:
    """Return the id of what caused a row, if anything did."""
    if source is None:
        return None
    found = required_id_of(source)
    if not is_an_id(found):
        raise ValueError("its source has no id")
    return BalanceSourceId(found)

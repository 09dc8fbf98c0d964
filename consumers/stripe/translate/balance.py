"""Reads balance transactions and payouts.

https://docs.stripe.com/api/balance_transactions/object, https://docs.stripe.com/api/payouts/object
"""

from collections.abc import Mapping
from typing import Any

from consumers.stripe.lists.errors import UnexpectedRow
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.stripe_balance import PayoutChanged, PayoutStatus, TransactionRecorded


def transaction_of(row: Mapping[str, Any]) -> TransactionRecorded:
    """Read a balance transaction. Raises UnexpectedRow."""
    try:
        rate = row.get("exchange_rate")
        return TransactionRecorded(
            transaction_id=BalanceTransactionId(str(row["id"])),
            type=str(row["type"]),
            reporting_category=str(row["reporting_category"]),
            amount=int(row["amount"]),
            fee=int(row["fee"]),
            net=int(row["net"]),
            currency=str(row["currency"]).upper(),
            source_id=_source_id(row.get("source")),
            exchange_rate=None if rate is None else str(rate),
            description=row.get("description"),
            created=int(row["created"]),
            available_on=int(row["available_on"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedRow(f"balance transaction {row.get('id')}: {type(error).__name__}: {error}") from error


def payout_of(row: Mapping[str, Any]) -> PayoutChanged:
    """Read a payout. Raises UnexpectedRow, for a status that is not known too."""
    try:
        return PayoutChanged(
            payout_id=PayoutId(str(row["id"])),
            amount=int(row["amount"]),
            currency=str(row["currency"]).upper(),
            status=PayoutStatus(row["status"]),
            automatic=bool(row["automatic"]),
            arrival_date=int(row["arrival_date"]),
            failure_code=row.get("failure_code"),
            created=int(row["created"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedRow(f"payout {row.get('id')}: {type(error).__name__}: {error}") from error


def _source_id(source: Any) -> BalanceSourceId | None:
    """Return the id of what caused a row; Stripe sends the id, or the object itself when it is expanded."""
    if source is None:
        return None
    return BalanceSourceId(source if isinstance(source, str) else str(source["id"]))

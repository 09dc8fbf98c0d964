"""Reads balance transactions and payouts.

https://docs.stripe.com/api/balance_transactions/object, https://docs.stripe.com/api/payouts/object
"""

from collections.abc import Mapping
from typing import Any

from consumers.stripe.lists.errors import UnexpectedRow
from consumers.stripe.translate.ids import id_of, required_id_of
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.reconciliation.rows import StripeRow
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


def statement_row_of(transaction: Mapping[str, Any]) -> StripeRow:
    """Return a balance transaction as a row of the statement; one without a source is its own source."""
    rate = transaction.get("exchange_rate")
    return StripeRow(
        source_id=BalanceSourceId(id_of(transaction.get("source")) or transaction["id"]),
        category=transaction["reporting_category"],
        transaction_id=BalanceTransactionId(transaction["id"]),
        amount=transaction["amount"],
        fee=transaction["fee"],
        currency=transaction["currency"].upper(),
        created=transaction["created"],
        exchange_rate=None if rate is None else str(rate),
    )


def _source_id(source: Any) -> BalanceSourceId | None:
    """Return the id of what caused a row, if anything did."""
    return None if source is None else BalanceSourceId(required_id_of(source))

"""Brings what the ledger or the log lacks, because a webhook was lost or a row appeared too late for the poller.

The gateway reads a payment at Stripe again; a balance transaction is recorded here. Both record only what is new, and
move no money. Their events have the run's correlation id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from consumers.balance.record import record_transactions
from consumers.reconciliation import discrepancies, metrics
from consumers.reconciliation.run_ref import RunRef
from consumers.reconciliation.statement.statement import Owner, StripeStatement
from consumers.stripe.lists.poll import ERRORS_OF_A_ROW
from consumers.tasks.models import RECONCILIATION, NewRefresh
from consumers.tasks.store import request_refreshes
from domain.ids import BalanceTransactionId, DiscrepancyId, MerchantId, PaymentId
from domain.reconciliation.values import Difference, DifferenceKind
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries

log = structlog.get_logger(__name__)

_SQL = Queries.load(Path(__file__).with_name("backfill.sql"))

_OF_DISPUTES = frozenset({"dispute", "dispute_reversal"})
_OF_CHARGES = frozenset({"charge", "charge_failure", "partial_capture_reversal"})
_OF_PAYMENTS = _OF_CHARGES | {"refund", "refund_failure"} | _OF_DISPUTES
_MISSING = frozenset({DifferenceKind.MISSING_HERE, DifferenceKind.STATUS})


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmatchedRow:
    """A row of Stripe without a counterpart in the ledger, and its owner."""

    discrepancy_id: DiscrepancyId
    owner: Owner


def lacks_stripes_row(difference: Difference) -> bool:
    """Whether the log lacks a balance transaction that no event of a payment replaces: a fee, a payout, a top-up.

    Also the second row of a dispute, which is posted by itself.
    """
    if difference.ledger is None:
        has_own_event = difference.category in _OF_PAYMENTS - _OF_DISPUTES
        return difference.kind in _MISSING and not has_own_event
    return difference.kind is DifferenceKind.FEE and difference.ledger.fee is None


def can_be_backfilled(difference: Difference) -> bool:
    """Whether reading a payment again may bring what the ledger lacks."""
    return is_of_payment(difference) and difference.kind in _MISSING


def is_of_payment(difference: Difference) -> bool:
    """Whether it is a row of a payment that the ledger lacks."""
    return difference.ledger is None and difference.category in _OF_PAYMENTS


def is_of_charge(difference: Difference) -> bool:
    """Whether it is a row of a payment's charge that the ledger lacks."""
    return difference.ledger is None and difference.category in _OF_CHARGES


async def is_foreign(pool: Pool, owner: Owner) -> bool:
    """Whether a payment at Stripe is another system's: it has neither our metadata nor an intent that we know."""
    if owner.payment_id is not None:
        return False
    parameters = {"intent_ids": [owner.intent_id], "payment_ids": [None], "discrepancy_ids": [UUID(int=0)]}
    async with pool.connection() as conn:
        cursor = await conn.execute(_SQL.find_payments, parameters)
        return await cursor.fetchone() is None


async def refresh_payments(pool: Pool, run: RunRef, unmatched: Sequence[UnmatchedRow]) -> int:
    """Have the gateway read the payments of unmatched rows again, if they are ours; return how many."""
    async with pool.connection() as conn, conn.transaction():
        cursor = await conn.execute(
            _SQL.find_payments,
            {
                "intent_ids": [each.owner.intent_id for each in unmatched],
                "payment_ids": [each.owner.payment_id for each in unmatched],
                "discrepancy_ids": [each.discrepancy_id for each in unmatched],
            },
        )
        found: list[tuple[DiscrepancyId, PaymentId, MerchantId]] = await cursor.fetchall()
        if not found:
            return 0
        merchants = {payment_id: merchant_id for _, payment_id, merchant_id in found}
        await request_refreshes(
            conn,
            [
                NewRefresh(
                    payment_id=payment_id,
                    merchant_id=merchant_id,
                    position=0,
                    correlation_id=run.correlation_id,
                    requested_by=RECONCILIATION,
                )
                for payment_id, merchant_id in merchants.items()
            ],
        )
        await _mark_backfilled(conn, run, {discrepancy_id: payment_id for discrepancy_id, payment_id, _ in found})
    metrics.REFRESHES.inc(len(merchants))
    return len(merchants)


async def record_rows(pool: Pool, statement: StripeStatement, run: RunRef, differences: Sequence[Difference]) -> int:
    """Record the balance transactions that these differences lack; return how many were new.

    One that cannot be read or recorded is left out, with a warning. Raises the errors of `statement`.
    """
    lacking: dict[BalanceTransactionId, list[DiscrepancyId]] = {}
    for difference in differences:
        for transaction_id in difference.transaction_ids:
            lacking.setdefault(transaction_id, []).append(difference.discrepancy_id)
    recorded = 0
    for transaction_id, discrepancy_ids in sorted(lacking.items()):
        row = await statement.transaction(transaction_id)
        if row is None:
            continue
        try:
            async with pool.connection() as conn, conn.transaction():
                if await record_transactions(conn, [row], correlation_id=run.correlation_id, actor=RECONCILIATION):
                    await _mark_backfilled(conn, run, dict.fromkeys(discrepancy_ids))
                    recorded += 1
        except ERRORS_OF_A_ROW as error:
            said = f"{type(error).__name__}: {error}"
            log.warning("reconciliation_row_not_recorded", transaction_id=transaction_id, error=said)
    metrics.ROWS_RECORDED.inc(recorded)
    return recorded


async def _mark_backfilled(conn: Connection, run: RunRef, payments: Mapping[DiscrepancyId, PaymentId | None]) -> None:
    """Mark discrepancies as backfilled by the run, and record their payments, where known."""
    await conn.execute(
        discrepancies.SQL.mark_backfilled,
        {
            "run_id": run.run_id,
            "number": run.number,
            "discrepancy_ids": list(payments),
            "payment_ids": list(payments.values()),
        },
    )

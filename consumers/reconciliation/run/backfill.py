"""What the books lack because a webhook was lost, or a row of Stripe's came too late for the poller.

The gateway reads the payment at Stripe once more; a row is recorded here. Both record facts that are news, and move no
money. What they record carries the run's correlation id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from consumers.balance.record import record_transactions
from consumers.reconciliation import metrics
from consumers.reconciliation.run import discrepancies as recorded
from consumers.reconciliation.run.discrepancies import RunRef
from consumers.reconciliation.statement.statement import Owner, StripeStatement
from consumers.stripe.lists.errors import UnexpectedRow
from consumers.tasks.models import RECONCILIATION, NewRefresh
from consumers.tasks.store import ask_for_refreshes
from domain.reconciliation.values import Difference, DifferenceKind
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries

log = structlog.get_logger(__name__)

SQL = Queries.load(Path(__file__).with_name("backfill.sql"))

_OF_DISPUTES = frozenset({"dispute", "dispute_reversal"})
_OF_PAYMENTS = frozenset({"charge", "refund", "refund_failure"}) | _OF_DISPUTES


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmatchedRow:
    """A row of Stripe's that the ledger lacks, and whose it is."""

    discrepancy_id: UUID
    owner: Owner


def lacks_stripes_row(difference: Difference) -> bool:
    """Whether the log lacks a row of Stripe's balance, which nothing but that row tells: a fee, a payout, a top-up.

    Of a dispute it may be the second row, of which no event of the payment tells.
    """
    if difference.ledger is None:
        has_own_event = difference.category in _OF_PAYMENTS - _OF_DISPUTES
        return difference.kind in {DifferenceKind.MISSING_HERE, DifferenceKind.STATUS} and not has_own_event
    return difference.kind is DifferenceKind.FEE and difference.ledger.fee is None


def can_be_backfilled(difference: Difference) -> bool:
    """Whether reading a payment once more may bring what the ledger lacks."""
    return (
        difference.ledger is None
        and difference.kind in {DifferenceKind.MISSING_HERE, DifferenceKind.STATUS}
        and difference.category in _OF_PAYMENTS
    )


def is_of_payment(difference: Difference) -> bool:
    """Whether it is a row of a payment, and the ledger knows nothing of it."""
    return difference.ledger is None and difference.category in _OF_PAYMENTS


async def is_foreign(pool: Pool, owner: Owner) -> bool:
    """Whether a payment at Stripe is of another system: without our metadata, and of no intent that we know."""
    if owner.payment_id is not None:
        return False
    parameters = {"intent_ids": [owner.intent_id], "payment_ids": [None], "discrepancy_ids": [UUID(int=0)]}
    async with pool.connection() as conn:
        cursor = await conn.execute(SQL.find_payments, parameters)
        return await cursor.fetchone() is None


async def backfill(pool: Pool, run: RunRef, unmatched: Sequence[UnmatchedRow]) -> int:
    """Have the payments of unmatched read again, those of them that are ours; return how many."""
    async with pool.connection() as conn, conn.transaction():
        cursor = await conn.execute(
            SQL.find_payments,
            {
                "intent_ids": [each.owner.intent_id for each in unmatched],
                "payment_ids": [each.owner.payment_id for each in unmatched],
                "discrepancy_ids": [each.discrepancy_id for each in unmatched],
            },
        )
        payments: dict[UUID, tuple[UUID, str]] = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
        if not payments:
            return 0
        merchants: Mapping[UUID, str] = dict(payments.values())
        await ask_for_refreshes(
            conn,
            [
                NewRefresh(
                    payment_id=each,
                    merchant_id=merchant,
                    position=0,
                    correlation_id=run.correlation_id,
                    requested_by=RECONCILIATION,
                )
                for each, merchant in merchants.items()
            ],
        )
        await _note(conn, run, {each: payment_id for each, (payment_id, _) in payments.items()})
    metrics.REFRESHES.inc(len(merchants))
    return len(merchants)


async def record_rows(pool: Pool, statement: StripeStatement, run: RunRef, differences: Sequence[Difference]) -> int:
    """Record the rows of Stripe's balance that these differences lack; return how many are news.

    One that cannot be read is left out, with a warning. Raises what Stripe raises.
    """
    lacking: dict[str, list[UUID]] = {}
    for difference in differences:
        for transaction_id in difference.transaction_ids:
            lacking.setdefault(transaction_id, []).append(difference.discrepancy_id)
    news = 0
    for transaction_id, discrepancy_ids in sorted(lacking.items()):
        row = await statement.transaction(transaction_id)
        if row is None:
            continue
        try:
            async with pool.connection() as conn, conn.transaction():
                if await record_transactions(conn, [row], correlation_id=run.correlation_id, actor=RECONCILIATION):
                    await _note(conn, run, dict.fromkeys(discrepancy_ids))
                    news += 1
        except UnexpectedRow as error:
            log.warning("reconciliation_row_not_recorded", error=str(error))
    metrics.ROWS_RECORDED.inc(news)
    return news


async def _note(conn: Connection, run: RunRef, payments: Mapping[UUID, UUID | None]) -> None:
    """Note of discrepancies that the run sees to them, and whose payments they are, if anybody's."""
    await conn.execute(
        recorded.SQL.mark_backfilled,
        {
            "run_id": run.run_id,
            "number": run.number,
            "discrepancy_ids": list(payments),
            "payment_ids": list(payments.values()),
        },
    )

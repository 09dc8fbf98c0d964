"""What the books lack because a webhook was lost: the gateway reads the payment at Stripe once more.

It records facts that are news, and moves no money. What it records carries the run's correlation id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from consumers.gateway.tasks import NewRefresh, ask_for_refreshes
from consumers.reconciliation import metrics
from consumers.reconciliation import record as recorded
from consumers.reconciliation.books import Owner
from consumers.reconciliation.record import RunRef
from domain.reconciliation import Difference, Kind
from infra.postgres import Pool, Queries

SQL = Queries.load(Path(__file__).with_name("heal.sql"))

_OF_PAYMENTS = frozenset({"charge", "refund", "refund_failure", "dispute", "dispute_reversal"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphan:
    """A row of Stripe's that the ledger lacks, and whose it is."""

    discrepancy_id: UUID
    owner: Owner


def can_be_healed(difference: Difference) -> bool:
    """Whether reading a payment once more may bring what the ledger lacks."""
    return (
        difference.ledger is None
        and difference.kind in {Kind.MISSING_HERE, Kind.STATUS}
        and difference.category in _OF_PAYMENTS
    )


async def heal(pool: Pool, run: RunRef, orphans: Sequence[Orphan]) -> int:
    """Have the payments of orphans read again, those of them that are ours; return how many."""
    async with pool.connection() as conn, conn.transaction():
        cursor = await conn.execute(
            SQL.find_payments,
            {
                "intent_ids": [each.owner.intent_id for each in orphans],
                "payment_ids": [each.owner.payment_id for each in orphans],
                "discrepancy_ids": [each.discrepancy_id for each in orphans],
            },
        )
        payments: dict[UUID, tuple[UUID, str]] = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
        if not payments:
            return 0
        merchants: Mapping[UUID, str] = dict(payments.values())
        await ask_for_refreshes(
            conn,
            [
                NewRefresh(payment_id=each, merchant_id=merchant, position=0, correlation_id=run.correlation_id)
                for each, merchant in merchants.items()
            ],
        )
        await conn.execute(
            recorded.SQL.note_healing,
            {
                "run_id": run.run_id,
                "number": run.number,
                "discrepancy_ids": list(payments),
                "payment_ids": [payment_id for payment_id, _ in payments.values()],
            },
        )
    metrics.REFRESHES.inc(len(merchants))
    return len(merchants)

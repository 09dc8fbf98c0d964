"""Which transactions a payout pays, as Stripe says, beside what the ledger has of each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from consumers.reconciliation.results import PaidItem, Payout, ReconciliationRefused
from consumers.reconciliation.run.movements import movements_of
from consumers.reconciliation.statement.api import ApiStatement
from domain.ids import BalanceSourceId, PayoutId
from domain.reconciliation.rows import Movement, StripeRow
from domain.reconciliation.values import ONCE
from infra.postgres.pool import Pool


async def payout_with_items(pool: Pool, statement: ApiStatement, payout_id: PayoutId) -> Payout:
    """Return a payout with what it pays. Raises ReconciliationRefused, and what Stripe raises."""
    found = await statement.payout(payout_id)
    if found is None:
        raise ReconciliationRefused(
            f"Stripe has no automatic payout {payout_id}; of others it does not say what they pay."
        )
    items: list[PaidItem] = []
    async for rows in statement.paid_by(payout_id):
        async with pool.connection() as conn:
            movements = await movements_of(conn, [row.source_id for row in rows])
        items += (_item(row, movements) for row in rows)
    return Payout(
        payout_id=payout_id,
        amount=found.amount,
        created=datetime.fromtimestamp(found.created, UTC),
        final=found.final,
        items=items,
    )


def _item(row: StripeRow, movements: Mapping[BalanceSourceId, Sequence[Movement]]) -> PaidItem:
    alike = [each for each in movements[row.source_id] if each.category == row.category]
    # Of several rows of one kind, the ledger shows the first, with its id.
    ours = next((each for each in alike if each.transaction_id in {None, row.transaction_id}), None)
    return PaidItem(
        transaction_id=row.transaction_id,
        source_id=row.source_id,
        category=row.category,
        payment_id=None if ours is None else ours.payment_id,
        stripe_net=row.net,
        ledger_net=None if ours is None or ours.currency != row.currency else ours.net,
        compared=ours is not None or not alike or row.category in ONCE,
    )

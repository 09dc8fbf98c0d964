"""Writes the `payouts` projection."""

from collections.abc import Sequence
from pathlib import Path

from domain.ids import PayoutId
from domain.stripe_balance import TransactionRecorded
from infra.postgres.jsonb import jsonb
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.events import DecodedBalanceEvent, by_stream
from projections.payouts.mapping import NAME, payout_id_of, row_of
from schemas.topics import STRIPE_BALANCE

_SQL = Queries.load(Path(__file__).with_name("projection.sql"))


class Payouts:
    """The projection, for the runner."""

    name = NAME
    topic = STRIPE_BALANCE

    async def write(self, conn: Connection, events: Sequence[DecodedBalanceEvent]) -> None:
        """Bring the rows of these events' payouts up to date. Raises VersionGap; the caller must then roll back."""
        streams = by_stream(each for each in events if not isinstance(each.domain_event, TransactionRecorded))
        if not streams:
            return
        ids = [payout_id_of(its_events) for its_events in streams.values()]
        cursor = await conn.execute(_SQL.versions, {"payout_ids": ids})
        versions: dict[PayoutId, int] = dict(await cursor.fetchall())
        rows = [row_of(each, versions.get(payout_id_of(each), 0)) for each in streams.values()]
        await conn.execute(_SQL.save, {"rows": jsonb(rows)})

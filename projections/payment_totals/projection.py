"""Writes the `payment_totals` projection: what a batch's payments are counted as, and the totals last of all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from psycopg.rows import class_row

from domain.ids import PaymentId
from infra.postgres.jsonb import jsonb
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.events import DecodedEvent, by_payment
from projections.payment_totals.mapping import NAME, CountedPayment, changes, counted
from schemas.topics import PAYMENT

_SQL = Queries.load(Path(__file__).with_name("projection.sql"))


class PaymentTotals:
    """The projection, for the runner."""

    name = NAME
    topic = PAYMENT

    async def write(self, conn: Connection, events: Sequence[DecodedEvent]) -> None:
        """Count these events' payments anew.

        Raises ProjectionError when an event is not the next of its payment; the caller must then roll back.
        """
        streams = by_payment(events)
        before = await _load(conn, streams)
        after = [counted(its_events, before.get(payment_id)) for payment_id, its_events in streams.items()]
        await conn.execute(_SQL.keep, {"rows": jsonb(after)})
        changed = changes((before.get(each.payment_id), each) for each in after)
        if changed:
            rows = jsonb(changed)
            await conn.execute(_SQL.add, {"rows": rows})
            await conn.execute(_SQL.drop_empty, {"rows": rows})


async def _load(conn: Connection, payment_ids: Iterable[PaymentId]) -> dict[PaymentId, CountedPayment]:
    async with conn.cursor(row_factory=class_row(CountedPayment)) as cursor:
        await cursor.execute(_SQL.rows, {"payment_ids": list(payment_ids)})
        return {each.payment_id: each for each in await cursor.fetchall()}

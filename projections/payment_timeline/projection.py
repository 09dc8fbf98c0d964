"""Writes the `payment_timeline` projection: a row for every event."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from psycopg.rows import dict_row

from domain.ids import PaymentId
from infra.postgres.jsonb import jsonb
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.erased import erased_fields
from projections.errors import check_next
from projections.events import DecodedEvent, by_payment
from projections.payment_timeline.mapping import NAME, TimelineRow, row_of
from schemas.personal.encrypted import without
from schemas.topics import PAYMENT

_SQL = Queries.load(Path(__file__).with_name("projection.sql"))


class PaymentTimeline:
    """The projection, for the runner."""

    name = NAME
    topic = PAYMENT

    async def write(self, conn: Connection, events: Sequence[DecodedEvent]) -> None:
        """Add the rows of these events.

        Raises VersionGap when an event is not the next of its payment; the caller must then roll back.
        """
        streams = by_payment(events)
        cursor = await conn.execute(_SQL.versions, {"payment_ids": list(streams)})
        newest: dict[PaymentId, int] = dict(await cursor.fetchall())
        for payment_id, its_events in streams.items():
            for current, event in enumerate(its_events, start=newest.get(payment_id, 0)):
                check_next(NAME, event.recorded, current)
        rows = [list(vars(row_of(event)).values()) for event in events]
        await conn.execute(_SQL.insert, {"rows": jsonb(rows)})
        await _erase(conn, events)


async def _erase(conn: Connection, events: Sequence[DecodedEvent]) -> None:
    """Take what was erased out of the first row of each timeline."""
    erased = erased_fields(events)
    if not erased:
        return
    cursor = await conn.execute(_SQL.first_rows, {"payment_ids": list(erased)})
    rows = [
        {"payment_id": payment_id, "data": without(orjson.loads(data), erased[payment_id])}
        for payment_id, data in await cursor.fetchall()
    ]
    await conn.execute(_SQL.save_first_rows, {"rows": jsonb(rows)})


async def load(conn: Connection, payment_ids: Iterable[PaymentId]) -> dict[PaymentId, list[TimelineRow]]:
    """Return the timelines of some payments, each in order; those without one are left out."""
    timelines: dict[PaymentId, list[TimelineRow]] = {}
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.timelines, {"payment_ids": list(payment_ids)})
        async for columns in cursor:
            row = TimelineRow(**columns | {"data": orjson.loads(columns["data"])})
            timelines.setdefault(row.payment_id, []).append(row)
    return timelines


async def removed_up_to(conn: Connection, payment_ids: Iterable[PaymentId]) -> dict[PaymentId, int]:
    """Return up to which version retention has removed timelines; payments of which nothing was are left out."""
    cursor = await conn.execute(_SQL.removed, {"payment_ids": list(payment_ids)})
    return dict(await cursor.fetchall())

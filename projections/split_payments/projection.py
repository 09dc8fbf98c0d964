"""Writes the projection: a batch's split payments are folded from their whole history, each as one set."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import dict_row

from domain.ids import EventId
from infra.postgres.jsonb import jsonb
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.erased import erased_fields
from projections.errors import RowsChangedMeanwhile
from projections.events import DecodedSplitPaymentEvent, by_stream
from projections.split_payments.mapping import NAME, row_of
from schemas.envelope import NO_MERCHANT, EventMetadata, RecordedEvent
from schemas.events.split_payment_events import CATEGORY
from schemas.personal.encrypted import without
from schemas.topics import SPLIT_PAYMENT

_SQL = Queries.load(Path(__file__).with_name("projection.sql"))
_NO_ID = EventId(UUID(int=0))


class SplitPayments:
    """The projection, for the runner."""

    name = NAME
    topic = SPLIT_PAYMENT

    async def write(self, conn: Connection, events: Sequence[DecodedSplitPaymentEvent]) -> None:
        """Bring the rows of these events' split payments up to date.

        Raises ProjectionError (projections.errors) when an event is not the next of its stream; the caller must then
        roll back.
        """
        new = by_stream(events)
        known = await _load(conn, new)
        rows = [row_of([*known.get(stream_id, ()), *its_events]) for stream_id, its_events in new.items()]
        await conn.execute(_SQL.insert_events, {"rows": jsonb([_entry(event.recorded) for event in events])})
        await _erase(conn, events)
        cursor = await conn.execute(_SQL.save, {"rows": jsonb(rows)})
        if cursor.rowcount != len(rows):
            raise RowsChangedMeanwhile(projection=NAME, expected=len(rows), actual=cursor.rowcount)


async def _erase(conn: Connection, events: Sequence[DecodedSplitPaymentEvent]) -> None:
    """Take what was erased out of the first event of each history."""
    erased = erased_fields(events)
    if not erased:
        return
    cursor = await conn.execute(_SQL.first_events, {"split_payment_ids": list(erased)})
    rows = [
        {"split_payment_id": stream_id, "data": without(orjson.loads(data), erased[stream_id])}
        for stream_id, data in await cursor.fetchall()
    ]
    await conn.execute(_SQL.save_first_events, {"rows": jsonb(rows)})


async def _load(conn: Connection, stream_ids: Iterable[UUID]) -> dict[UUID, list[DecodedSplitPaymentEvent]]:
    found: dict[UUID, list[DecodedSplitPaymentEvent]] = {}
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.events, {"split_payment_ids": list(stream_ids)})
        async for columns in cursor:
            event = DecodedSplitPaymentEvent.of(_recorded(columns))
            found.setdefault(event.stream_id, []).append(event)
    return found


def _entry(recorded: RecordedEvent) -> dict[str, Any]:
    return {
        "split_payment_id": recorded.stream_id,
        "version": recorded.version,
        "position": recorded.position,
        "type": recorded.type,
        "schema_version": recorded.schema_version,
        "data": orjson.Fragment(recorded.data),
        "actor": recorded.metadata.actor,
        "at": recorded.recorded_at,
    }


def _recorded(columns: dict[str, Any]) -> RecordedEvent:
    """Return a row as the event that it was; what the row does not keep, the fold does not look at."""
    return RecordedEvent(
        position=columns["position"],
        event_id=_NO_ID,
        stream_id=columns["split_payment_id"],
        version=columns["version"],
        category=CATEGORY,
        type=columns["type"],
        schema_version=columns["schema_version"],
        data=columns["data"].encode(),
        metadata=EventMetadata(correlation_id="", actor=columns["actor"], merchant_id=NO_MERCHANT),
        recorded_at=columns["at"],
    )

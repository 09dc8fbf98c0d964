"""Compares the read model with a replay of the event store: they must be equal, field by field.

For tests after faults and for rebuilds before their swap. It reads in chunks and holds no lock, so a payment
that changes meanwhile may be named as different: run it when the projector has caught up.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import scalar_row

from domain.ids import PaymentId
from event_store.privacy.vault import AnyVault, NoVault
from event_store.store import load_many
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.events import DecodedEvent
from projections.payment_timeline.mapping import row_of
from projections.payment_timeline.projection import load as load_timelines
from projections.payment_timeline.projection import removed_up_to
from projections.payments.mapping import fold
from projections.payments.projection import load as load_payments

_SQL = Queries.load(Path(__file__).with_name("verify.sql"))
_CHUNK = 500
_FIRST = PaymentId(UUID(int=0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field of a row that is not what the events say. A row that one side lacks is the field `row`.

    `version` is that of the timeline's row, None for `payments`.
    """

    projection: str
    payment_id: PaymentId
    version: int | None
    field: str
    expected: Any
    actual: Any


async def differences(
    events: Connection,
    read_model: Connection,
    *,
    limit: int = 100,
    chunk: int = _CHUNK,
    vault: AnyVault | None = None,
) -> list[Difference]:
    """Return up to `limit` differences; an empty list means that the read model equals a replay.

    `events` needs SELECT on the event store, `read_model` on both tables; they may be one connection. `vault`
    has the keys of personal data. Raises
    SchemaError when an event cannot be read, ProjectionError when the event store's own order is broken.
    """
    found: list[Difference] = []
    async for payment_ids in _chunks(events, read_model, chunk):
        streams = await load_many(events, payment_ids)
        rows = await load_payments(read_model, payment_ids)
        timelines, removed = await load_timelines(read_model, payment_ids), await removed_up_to(read_model, payment_ids)
        for payment_id in payment_ids:
            clear = await (vault or NoVault()).decrypt(streams[payment_id])
            decoded = [DecodedEvent.of(recorded) for recorded in clear]
            entries = {row.version: row for row in timelines.get(payment_id, [])}
            kept_after = removed.get(payment_id, 0)
            expected = {row.version: row for row in map(row_of, decoded) if row.version > kept_after}
            found += _compare("payments", payment_id, None, fold(decoded), rows.get(payment_id))
            for version in sorted(entries.keys() | expected.keys()):
                found += _compare("payment_timeline", payment_id, version, expected.get(version), entries.get(version))
        if len(found) >= limit:
            break
    return found[:limit]


async def _chunks(events: Connection, read_model: Connection, size: int) -> AsyncIterator[Sequence[PaymentId]]:
    """Yield the ids of every payment that either side knows."""
    after = _FIRST
    while True:
        stored = await _ids(events, "payments_after", {"after": after, "limit": size})
        up_to = stored[-1] if len(stored) == size else None
        projected = await _ids(read_model, "rows_after", {"after": after, "up_to": up_to})
        yield sorted({*stored, *projected})
        if up_to is None:
            return
        after = up_to


async def _ids(conn: Connection, query: str, parameters: dict[str, Any]) -> list[PaymentId]:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL[query], parameters)
        return await cursor.fetchall()


def _compare(
    projection: str, payment_id: PaymentId, version: int | None, expected: Any, actual: Any
) -> Iterator[Difference]:
    for field, expects, has in _fields(expected, actual):
        yield Difference(
            projection=projection,
            payment_id=payment_id,
            version=version,
            field=field,
            expected=expects,
            actual=has,
        )


def _fields(expected: Any, actual: Any) -> Iterable[tuple[str, Any, Any]]:
    # As JSON: the columns were written from it.
    expects, has = (None if row is None else orjson.loads(orjson.dumps(row)) for row in (expected, actual))
    if expects is None or has is None:
        return [] if expects is has else [("row", expects, has)]
    return [(name, expects[name], has[name]) for name in expects if expects[name] != has[name]]

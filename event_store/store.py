"""Append to and load from the log. The caller owns the connection and its transaction; nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import orjson
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import RowMaker, class_row, dict_row, no_result
from psycopg.types.json import set_json_loads

from domain.ids import LogId, MerchantId
from event_store.appends import (
    MAX_EVENT_BYTES,
    Append,
    Appended,
    AppendResult,
    ForeignStripeId,
    IdempotencyRecord,
    StoredResponse,
    VersionConflict,
)
from event_store.privacy.attached import attached_to
from infra.postgres.queries import Queries
from schemas.envelope import EventMetadata, NewEvent, RecordedEvent

QUERIES = Queries.load(Path(__file__).with_name("store.sql"))

set_json_loads(orjson.loads)

Connection = AsyncConnection[Any]

LOG_CLOSED = "57PS1"
"""SQLSTATE of what is refused while the log is closed: of the class that means "try again later"."""


def is_log_closed(error: BaseException) -> bool:
    """Whether the database refused for that, as it or the pool says it."""
    return LOG_CLOSED in {getattr(each, "sqlstate", None) for each in (error, error.__cause__)}


@dataclass(frozen=True, kw_only=True, slots=True)
class LogState:
    """Which log this is, and whether it takes anything.

    `epoch` (from 1) rises whenever it was closed and is opened. `closed_because` is None while it is open.
    `only_started`: it is closed for the only reason that PostgreSQL was started.
    """

    log_id: LogId
    epoch: int
    closed_because: str | None
    only_started: bool


async def read_log_state(connection: Connection) -> LogState:
    """Return the state of the log on the PostgreSQL behind the connection, which must be a primary."""
    async with connection.cursor(row_factory=class_row(LogState)) as cursor:
        await cursor.execute(QUERIES["log_state"])
        state = await cursor.fetchone()
    assert state is not None
    return state


async def append(
    connection: Connection,
    appends: Sequence[Append],
    *,
    known_position: int = 0,
    max_event_bytes: int = MAX_EVENT_BYTES,
    statement: LiteralString | None = None,
) -> list[AppendResult]:
    """Append many commands' events in one round trip and return a result for each, in the given order.

    Their personal values are encrypted, if the connection has a vault (event_store.privacy).

    `known_position` is the highest that the caller was ever answered: a log that ends before it went back, and takes
    nothing. `statement` is for roles that have a way of their own to append.

    Raises ValueError when a stream is in the call twice, or an append has no events: the order in which they would be
    checked is not defined. Raises EventTooLarge or EventNotStorable, and nothing is sent to the database,
    for an event that Kafka or PostgreSQL would not take. Database errors pass through, and the transaction is then
    unusable: OperationalError with LOG_CLOSED while the log is closed, UniqueViolation for an event id that is in the
    log, and DataError for a stream of another category or merchant.
    """
    if not appends:
        return []
    if len({each.stream_id for each in appends}) != len(appends):
        raise ValueError("a stream may be in an append call only once")
    if not all(each.events for each in appends):
        raise ValueError("an append needs at least one event")
    if (vault := attached_to(connection)) is not None:
        appends = await vault.encrypt(appends)
    for each in appends:
        each.require_storable(max_event_bytes)
    document = "[" + ",".join(_append_json(each) for each in appends) + "]"
    async with connection.cursor(row_factory=dict_row) as cursor:
        chosen, parameters = _append_statement(appends, document, known_position)
        await cursor.execute(statement or chosen, parameters)
        rows = {row["ordinal"]: row for row in await cursor.fetchall()}
    return [_result(rows[ordinal]) for ordinal in range(1, len(appends) + 1)]


async def load(
    connection: Connection,
    stream_id: UUID,
    *,
    up_to_version: int | None = None,
    up_to_position: int | None = None,
) -> list[RecordedEvent]:
    """Return a stream's events in order, as of a version or a position (inclusive); empty when there are none."""
    found = await load_many(connection, [stream_id], up_to_version=up_to_version, up_to_position=up_to_position)
    return found[stream_id]


async def load_many(
    connection: Connection,
    stream_ids: Sequence[UUID],
    *,
    up_to_version: int | None = None,
    up_to_position: int | None = None,
) -> dict[UUID, list[RecordedEvent]]:
    """Return the events of each stream in one round trip; a stream without events has an empty list.

    As of a position, not a moment: the clock behind `recorded_at` may step back.
    """
    parameters = {
        "stream_ids": list(stream_ids),
        "up_to_version": up_to_version,
        "up_to_position": up_to_position,
    }
    found: dict[UUID, list[RecordedEvent]] = {stream_id: [] for stream_id in stream_ids}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["load"], parameters)
        async for row in cursor:
            found[row["stream_id"]].append(recorded_event(row))
    return found


async def load_as_of(connection: Connection, position: int) -> list[RecordedEvent]:
    """Return the stream that has its event at a position, up to there."""
    row = await (await connection.execute(QUERIES["stream_at"], {"position": position})).fetchone()
    assert row is not None, f"no event is at position {position}"
    return await load(connection, row[0], up_to_position=position)


async def find_response(connection: Connection, merchant_id: MerchantId, key: str) -> StoredResponse | None:
    """Return the stored answer of the command that used this key, or None."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["find_response"], {"merchant_id": merchant_id, "key": key})
        row = await cursor.fetchone()
    return None if row is None else _stored_response(row)


async def store_response(
    connection: Connection, record: IdempotencyRecord, *, merchant_id: MerchantId, stream_id: UUID, version: int
) -> StoredResponse | None:
    """Store the answer of a command that was accepted and appended nothing; return the stored one if the key is known.

    `version` is the one of the stream that the answer reflects.
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            QUERIES["store_response"],
            {
                "merchant_id": merchant_id,
                "key": record.key,
                "fingerprint": record.fingerprint,
                "status": record.status,
                "response": None if record.response is None else record.response.decode(),
                "stream_id": stream_id,
                "version": version,
            },
        )
        row = await cursor.fetchone()
    return None if row is None else _stored_response(row)


def recorded_event(row: Mapping[str, Any]) -> RecordedEvent:
    """Read an event from a row that has the log's columns."""
    return _recorded_event(_columns_of(row))


def event_row(cursor: AsyncCursor[Any]) -> RowMaker[RecordedEvent]:
    """Read events from such rows, as a row factory of psycopg: it looks for the columns once a statement."""
    if cursor.description is None:
        return no_result
    names = [column.name for column in cursor.description]
    columns_of = itemgetter(*(names.index(name) for name in _COLUMNS))
    return lambda values: _recorded_event(columns_of(values))


_COLUMNS = (
    *("position", "event_id", "stream_id", "version", "category", "type", "schema_version"),
    *("data", "metadata", "recorded_at"),
)
_columns_of = itemgetter(*_COLUMNS)


def _recorded_event(columns: Sequence[Any]) -> RecordedEvent:
    position, event_id, stream_id, version, category, event_type, schema_version, data, metadata, recorded_at = columns
    return RecordedEvent(
        position=position,
        event_id=event_id,
        stream_id=stream_id,
        version=version,
        category=category,
        type=event_type,
        schema_version=schema_version,
        data=data.encode(),
        metadata=EventMetadata.from_dict(metadata),
        recorded_at=recorded_at,
    )


def _append_statement(
    appends: Sequence[Append], document: str, known_position: int
) -> tuple[LiteralString, dict[str, Any]]:
    """Return the statement and its parameters: the plain one when nobody names an id of Stripe."""
    parameters: dict[str, Any] = {"appends": document, "known_position": known_position}
    claims = [
        (ordinal, each.merchant_id, stripe_id)
        for ordinal, each in enumerate(appends, start=1)
        for stripe_id in each.stripe_ids
    ]
    if not claims:
        return QUERIES["append"], parameters
    ordinals, merchants, ids = zip(*claims, strict=True)
    claimed = {"claim_ordinals": list(ordinals), "claim_merchants": list(merchants), "claim_ids": list(ids)}
    return QUERIES["append_owned"], parameters | claimed


def _append_json(each: Append) -> str:
    record = each.idempotency
    head = {
        "stream_id": str(each.stream_id),
        "category": each.category,
        "merchant_id": each.merchant_id,
        "expected_version": each.expected_version,
        "events": [_event_fragment(event, record) for event in each.events],
        "idempotency": None
        if record is None
        else {
            "key": record.key,
            "fingerprint": record.fingerprint,
            "status": record.status,
            "response": None if record.response is None else record.response.decode(),
        },
    }
    return orjson.dumps(head).decode()


def _event_fragment(event: NewEvent, record: IdempotencyRecord | None) -> dict[str, Any]:
    metadata = event.metadata
    if record is not None:  # so that Kafka knows all that is needed to make the record again
        metadata = replace(
            metadata,
            idempotency_key=record.key,
            request_fingerprint=record.fingerprint,
            answer_status=str(record.status),
        )
    return {
        "event_id": str(event.event_id),
        "type": event.type,
        "schema_version": event.schema_version,
        "data": orjson.Fragment(event.data),  # already JSON: not parsed and written again
        "metadata": metadata.to_dict(),
    }


def _result(row: Mapping[str, Any]) -> AppendResult:
    if row["outcome"] == "appended":
        return Appended(version=row["version"], position=row["position"])
    if row["outcome"] == "conflict":
        return VersionConflict(actual_version=row["version"])
    if row["outcome"] == "foreign":
        return ForeignStripeId()
    return _stored_response(row)


def _stored_response(row: Mapping[str, Any]) -> StoredResponse:
    return StoredResponse(
        fingerprint=row["fingerprint"],
        status=row["status"],
        response=None if row["response"] is None else row["response"].encode(),
        position=row["position"],
    )

"""Examines a closed log against Kafka, writes back what it lost, and opens it in a new epoch."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import structlog
from psycopg import DataError, IntegrityError, InternalError, ProgrammingError
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import class_row

from event_store.recovery.announcement import Announce, announcing, highest_position
from event_store.recovery.compare import Comparison, LoggedEvent, compare
from event_store.recovery.kafka_copy import read_copy
from event_store.relay.progress import Published
from event_store.relay.progress_topic import read_begun_records, require_own_log, watching
from event_store.relay.session import fence
from event_store.relay.shard import Shard
from event_store.store import QUERIES as LOG_QUERIES
from event_store.store import Connection, LogState, read_log_state
from infra.errors import InfraError
from infra.postgres import Queries
from infra.settings import KafkaSettings
from schemas.envelope import RecordedEvent

log = structlog.get_logger(__name__)

QUERIES = Queries.load(Path(__file__).with_name("recovery.sql"))

_BATCH = 1000
_NAME = "paystream-recovery"


class NotAllowedToRecover(InfraError):
    """The login may not write events back."""

    def __init__(self) -> None:
        super().__init__(
            "this login may not write back what the log lost: GRANT paystream_relay to the relay's login, or run "
            "`paystream recover` as one that is a member of it, or as the owner"
        )


async def why_log_went_back(
    connection: Connection, state: LogState, published: Sequence[Published], newest_epoch: int
) -> str | None:
    """Return why the log cannot be the one that was published, or None."""
    if newest_epoch > state.epoch:
        return f"it was published in epoch {newest_epoch}, and this is epoch {state.epoch}: an older state of it"
    parameters = {
        "positions": [each.position for each in published],
        "event_ids": [each.event_id for each in published],
    }
    missing = await (await connection.execute(QUERIES.missing, parameters)).fetchall()
    if missing:
        positions = sorted(position for (position,) in missing)
        return f"it lacks {len(missing)} of the events that were published last, the first at position {positions[0]}"
    return None


async def recover_unless_decided(
    settings: KafkaSettings, connection: Connection, state: LogState
) -> tuple[str, ...] | None:
    """Compare the log with Kafka and open it, unless a person has to decide; return the obstacles.

    None: somebody else is at it. Raises what `examine` and `carry_out` raise.
    """
    async with recovering(connection) as ours:
        if not ours:
            return None
        found, newest_epoch = await examine(settings, connection, state)
        if not found.obstacles:
            try:
                await carry_out(settings, connection, found, newest_epoch)
            except (IntegrityError, DataError, InternalError, ProgrammingError) as error:
                return (f"PostgreSQL refuses what would be written back: {str(error).strip().splitlines()[0]}",)
        return found.obstacles


@asynccontextmanager
async def recovering(connection: Connection) -> AsyncIterator[bool]:
    """Hold the right to compare, which fences every relay: one at a time, and no relay opens a session meanwhile."""
    row = await (await connection.execute(QUERIES.lock)).fetchone()
    ours = row == (True,)
    try:
        yield ours
    finally:
        if ours and not connection.closed:
            await connection.execute(QUERIES.unlock)


async def examine(settings: KafkaSettings, connection: Connection, state: LogState) -> tuple[Comparison, int]:
    """Compare the log with Kafka; also return the newest epoch in which it was published.

    Whoever may still publish for another PostgreSQL is fenced first, with transactions: then Kafka stands still. Raises
    ForeignCluster, KafkaError, TimeoutError, psycopg.Error.
    """
    async with watching(settings, _NAME) as watcher:
        records = await read_begun_records(settings, _NAME, watcher)
    require_own_log(records, state.log_id)
    if settings.kafka_transactions:
        noted = await (await connection.execute(LOG_QUERIES["noted_shards"])).fetchall()
        await fence(settings, {record.shard for record in records} | {Shard.parse(text) for (text,) in noted})
    row = await (await connection.execute(QUERIES.whole_up_to)).fetchone()
    assert row is not None
    whole_up_to = int(row[0])
    copy = await read_copy(settings, whole_up_to, state.log_id)
    events = [event for partition in copy.values() for event in partition]
    async with connection.cursor(row_factory=class_row(LoggedEvent)) as cursor:
        positions = [event.position for event in events]
        furthest = max(positions, default=whole_up_to)
        await cursor.execute(QUERIES.logged, {"position": whole_up_to, "until": furthest, "positions": positions})
        logged = await cursor.fetchall()
    streams = list({event.stream_id for event in events})
    versions = await (await connection.execute(QUERIES.versions, {"stream_ids": streams})).fetchall()
    row = await (await connection.execute(QUERIES.count_behind, {"position": furthest})).fetchone()
    assert row is not None
    found = compare(
        whole_up_to=whole_up_to,
        copy=copy,
        partitions=settings.kafka_topic_partitions,
        logged=logged,
        versions=dict(versions),
        behind=int(row[0]),
        may_be_empty=state.only_started,
        announced_position=highest_position(records),
    )
    return found, max((record.epoch for record in records), default=0)


async def carry_out(
    settings: KafkaSettings,
    connection: Connection,
    found: Comparison,
    newest_epoch: int,
    *,
    decision: Mapping[str, str] | None = None,
) -> LogState:
    """Write back what was lost and open the log, unless it is open; return its state then.

    All in one transaction: nobody sees a part of it. Kafka is told of the new epoch before that commits: if this server
    is lost before anything was published in it, the next one knows nothing of it otherwise. `decision` tells who
    decided so, and why, if obstacles stood in the way. Raises NotAllowedToRecover, psycopg.Error, KafkaError.
    """
    try:
        async with announcing(settings) as announce, connection.transaction():
            if (await read_log_state(connection)).closed_because is not None:
                await _write_back(connection, found)
                report = {**_report(found), **(decision or {})}
                await _reopen(connection, found, newest_epoch, report, announce)
    except InsufficientPrivilege:
        raise NotAllowedToRecover from None
    return await read_log_state(connection)


async def _write_back(connection: Connection, found: Comparison) -> None:
    for batch in _batches(found.lost):
        await connection.execute(QUERIES.write_back, {"lost": orjson.dumps([_row(event) for event in batch]).decode()})


def _report(found: Comparison) -> dict[str, Any]:
    return {
        "whole_up_to": found.whole_up_to,
        "common": found.common,
        "written_back": len(found.lost),
        "unpublished": found.unpublished,
        "positions_written_back": [event.position for event in found.lost],
        "left_out": [_row(each.lost) for each in found.different],
        "obstacles": found.obstacles,
    }


async def _reopen(
    connection: Connection, found: Comparison, newest_epoch: int, report: Mapping[str, Any], announce: Announce
) -> None:
    parameters = {
        "highest_epoch": newest_epoch,
        "highest_position": found.highest_position,
        "report": orjson.dumps(report).decode(),
    }
    reopened = await (await connection.execute(QUERIES.reopen, parameters)).fetchone()
    assert reopened is not None
    (epoch,) = reopened
    began = await (await connection.execute(QUERIES.began, {"epoch": epoch})).fetchone()
    assert began is not None
    log_id, positions_from = began
    await announce(log_id, epoch, positions_from)
    log.warning(
        "log_reopened",
        epoch=epoch,
        whole_up_to=found.whole_up_to,
        common=found.common,
        written_back=len(found.lost),
        left_out=len(found.different),
        unpublished=found.unpublished,
    )


def _batches(events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
    for start in range(0, len(events), _BATCH):
        yield events[start : start + _BATCH]


def _row(event: RecordedEvent) -> dict[str, Any]:
    return {
        "position": event.position,
        "event_id": str(event.event_id),
        "stream_id": str(event.stream_id),
        "version": event.version,
        "category": event.category,
        "type": event.type,
        "schema_version": event.schema_version,
        "data": orjson.Fragment(event.data),
        "metadata": event.metadata.to_dict(),
        "recorded_at": event.recorded_at.isoformat(),
    }

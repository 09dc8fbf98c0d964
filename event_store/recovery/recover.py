"""Examines a closed log against Kafka, writes back what it lost, and opens it in a new epoch."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import structlog
from psycopg import DataError, IntegrityError, InternalError, ProgrammingError, Rollback
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import class_row

from event_store.archive.archives import Archive, have_left, read_archives
from event_store.recovery.compare import Comparison, LoggedEvent
from event_store.recovery.epoch_record import epoch_writer, highest_position
from event_store.recovery.kafka_copy import Part, read_copy
from event_store.relay.producer import fence
from event_store.relay.progress import Published, RelayProgress
from event_store.relay.progress_topic import read_begun_records, require_own_log, watching
from event_store.relay.shard import Shard
from event_store.store import QUERIES as LOG_QUERIES
from event_store.store import Connection, LogState, read_log_state
from infra.errors import InfraError
from infra.postgres.queries import Queries
from infra.settings.kafka import KafkaSettings
from schemas.envelope import RecordedEvent

log = structlog.get_logger(__name__)

QUERIES = Queries.load(Path(__file__).with_name("recovery.sql"))

_BATCH = 1000
_SHOW_EVERY_S = 10.0
_NAME = "paystream-recovery"


class NotAllowedToRecover(InfraError):
    """The login may not write events back."""

    def __init__(self) -> None:
        super().__init__(
            "this login may not write back what the log lost: GRANT paystream_relay to the relay's login, or run "
            "`paystream recover` as one that is a member of it, or as the owner"
        )


async def reason_log_went_back(
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


async def recover_automatically(
    settings: KafkaSettings, connection: Connection, state: LogState
) -> tuple[str, ...] | None:
    """Compare the log with Kafka and open it, unless an operator has to decide; return the reasons for that.

    None: another process is comparing. Raises NotAllowedToRecover, and what `fence_relays` and
    `compare_and_write_back` raise.
    """
    async with recovery_lock(connection) as is_ours:
        if not is_ours:
            return None
        records = await fence_relays(settings, connection, state)
        blockers: tuple[str, ...] = ()
        try:
            async with connection.transaction():
                if (await read_log_state(connection)).closed_because is not None:
                    found = await compare_and_write_back(settings, connection, state, records)
                    blockers = found.blockers
                    if blockers:
                        raise Rollback
                    await reopen(settings, connection, found, records)
        except InsufficientPrivilege:
            raise NotAllowedToRecover from None
        except (IntegrityError, DataError, InternalError, ProgrammingError) as error:
            return (f"PostgreSQL refuses what would be written back: {str(error).strip().splitlines()[0]}",)
        return blockers


@asynccontextmanager
async def recovery_lock(connection: Connection) -> AsyncIterator[bool]:
    """Hold the lock of recovery, unless another process has it: False then. No relay opens a session meanwhile."""
    row = await (await connection.execute(QUERIES.lock)).fetchone()
    is_ours = row == (True,)
    try:
        yield is_ours
    finally:
        if is_ours and not connection.closed:
            await connection.execute(QUERIES.unlock)


async def fence_relays(settings: KafkaSettings, connection: Connection, state: LogState) -> list[RelayProgress]:
    """Fence all relays, where Kafka has transactions; return how far each shard had published before.

    A relay that still publishes for another PostgreSQL is fenced with them. Raises ForeignCluster, KafkaError,
    TimeoutError, psycopg.Error.
    """
    async with watching(settings, _NAME) as watcher:
        records = await read_begun_records(settings, _NAME, watcher)
    require_own_log(records, state.log_id)
    if settings.kafka_transactions:
        known = await (await connection.execute(LOG_QUERIES["known_shards"])).fetchall()
        await fence(settings, {record.shard for record in records} | {Shard.parse(text) for (text,) in known})
    return records


async def compare_and_write_back(
    settings: KafkaSettings, connection: Connection, state: LogState, records: Sequence[RelayProgress]
) -> Comparison:
    """Compare the log with Kafka, and write back what was lost, within the caller's transaction.

    Part by part: a backup that is a day old lacks millions of events. The caller rolls the transaction back when an
    operator has to decide, or when nothing was to be changed. Raises ForeignCluster, KafkaError, TimeoutError,
    psycopg.Error.
    """
    await connection.execute(QUERIES.wait_for_kafka)
    row = await (await connection.execute(QUERIES.whole_up_to)).fetchone()
    assert row is not None
    found = Comparison(
        whole_up_to=int(row[0]),
        partitions=settings.kafka_topic_partitions,
        may_be_empty=state.only_started,
        highest_position=highest_position(records),
        published_up_to=None if settings.kafka_transactions else _published_up_to(records, settings),
    )
    archives = await read_archives(connection)
    shown_at = monotonic()
    async with aclosing(read_copy(settings, found.whole_up_to, state.log_id)) as parts:
        async for part in parts:
            await _compare_part(connection, found, _without_archived(part, archives, found))
            if monotonic() - shown_at > _SHOW_EVERY_S:
                shown_at = monotonic()
                log.info("recovery_progress", compared_up_to=found.compared_up_to, written_back=found.written_back)
    if found.written_back:
        await connection.execute(QUERIES.claim_stripe_ids, {"position": found.whole_up_to})
        await connection.execute(QUERIES.follow_access, {"position": found.whole_up_to})
    row = await (await connection.execute(QUERIES.count_behind, {"position": found.compared_up_to})).fetchone()
    assert row is not None
    found.unpublished += int(row[0])
    return found


def _published_up_to(records: Sequence[RelayProgress], settings: KafkaSettings) -> dict[int, int]:
    """Return, by partition, the position up to which any record says that it was published."""
    return {
        partition: max((each.position for each in records if each.shard.owns(partition)), default=0)
        for partition in range(settings.kafka_topic_partitions)
    }


def _without_archived(part: Part, archives: Sequence[Archive], found: Comparison) -> Part:
    """Leave out what has left the log into an archive, where it was verified: both have it."""
    events = tuple(event for event in part.events if not have_left(archives, event.position, event.category))
    found.common += len(part.events) - len(events)
    return replace(part, events=events)


async def _compare_part(connection: Connection, found: Comparison, part: Part) -> None:
    async with connection.cursor(row_factory=class_row(LoggedEvent)) as cursor:
        positions = [event.position for event in part.events]
        between = {"position": found.compared_up_to, "until": part.until, "positions": positions}
        await cursor.execute(QUERIES.logged, between)
        logged = await cursor.fetchall()
        streams = list({event.stream_id for event in part.events})
        versions = await (await connection.execute(QUERIES.versions, {"stream_ids": streams})).fetchall()
        known = len(found.different)
        lost = found.add(part, logged, dict(versions))
        for number in range(known, len(found.different)):
            each = found.different[number]
            if each.instead is None:
                at = {"stream_id": each.lost.stream_id, "version": each.lost.version}
                await cursor.execute(QUERIES.at_version, at)
                found.different[number] = replace(each, instead=await cursor.fetchone())
    for start in range(0, len(lost), _BATCH):
        rows = [_row(event) for event in lost[start : start + _BATCH]]
        await connection.execute(QUERIES.write_back, {"lost": orjson.dumps(rows).decode()})


async def reopen(
    settings: KafkaSettings,
    connection: Connection,
    found: Comparison,
    records: Sequence[RelayProgress],
    decision: Mapping[str, str] | None = None,
) -> None:
    """Open the log in a new epoch, as soon as the caller's transaction commits, which has written back what was lost.

    The epoch is recorded in Kafka first: if this server is lost before anything was published in it, the next one
    could not know of it. `decision` says by whom and for what reason it was decided, if that was needed. Raises
    psycopg.Error, KafkaError, TimeoutError.
    """
    report = {
        "whole_up_to": found.whole_up_to,
        "common": found.common,
        "written_back": found.written_back,
        "unpublished": found.unpublished,
        "left_out": [_row(each.lost) for each in found.different],
        "obstacles": found.blockers,
        **(decision or {}),
    }
    parameters = {
        "highest_epoch": max((record.epoch for record in records), default=0),
        "highest_position": found.highest_position,
        "report": orjson.dumps(report).decode(),
    }
    async with epoch_writer(settings) as write_epoch:
        reopened = await (await connection.execute(QUERIES.reopen, parameters)).fetchone()
        assert reopened is not None
        (epoch,) = reopened
        began = await (await connection.execute(QUERIES.began, {"epoch": epoch})).fetchone()
        assert began is not None
        log_id, positions_from = began
        await write_epoch(log_id, epoch, positions_from)
    log.warning(
        "log_reopened",
        epoch=epoch,
        whole_up_to=found.whole_up_to,
        common=found.common,
        written_back=found.written_back,
        left_out=len(found.different),
        unpublished=found.unpublished,
    )


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

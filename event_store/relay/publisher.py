"""Publishes a shard over one connection whose partitions are claimed: waits for an open log, then reads and publishes.

Any error ends it; the relay then starts anew, and no event is skipped.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

import psycopg
import structlog

from event_store.append_signal import listen, wait_for_append
from event_store.recovery.recover import reason_log_went_back, recover_automatically
from event_store.relay import metrics
from event_store.relay.gap_watch import GapWatch
from event_store.relay.partition_claim import PartitionClaim
from event_store.relay.reader import Reader
from event_store.relay.session import EventsRefused, Session
from event_store.relay.shard import Shard
from event_store.relay.status import RelayStatus
from event_store.store import QUERIES, Connection, LogState, read_log_state
from infra.backoff import Backoff, Pauses
from infra.errors import InfraError
from infra.kafka.names import KafkaNames
from infra.kafka.publications import PUBLICATIONS
from infra.kafka.topics import cell_declarations, create_topics, require_topics
from infra.process.pacing import Pacing
from infra.process.waiting import wait_for_event
from infra.settings.kafka import KafkaSettings
from infra.tracing import FinishedSpan, is_tracing, record_spans
from schemas.envelope import RecordedEvent
from schemas.topics import RELAY_PROGRESS, event_topics, topic_of

log = structlog.get_logger(__name__)

_IDLE = Backoff(first_s=0.008, longest_s=0.25)  # a signal ends it
_GAP_S = 0.05
_CHECK_EVERY_S = 1.0
_PARTITIONS_EVERY_S = 600.0
_CHECK_CLOSED_EVERY_S = 5.0
_CHECK_RECOVERY_EVERY_S = 0.1
_RECOVERY_TIMEOUT_S = 1800.0


class TopicLimitTooLow(InfraError):
    """Kafka refuses ordinary events as too large: they wait until an operator raises the limit."""

    def __init__(self, refused: EventsRefused, names: KafkaNames) -> None:
        topics = ", ".join(sorted({names.topic(topic_of(event.category)) for event in refused.events}))
        super().__init__(f"{refused}: raise max.message.bytes of {topics}")


class LogClosed(InfraError):
    """The log is closed: nothing is published from it until it was compared with Kafka."""


class Publisher:
    """Publishes one shard until `stop` is set. It remembers over sessions which batch to publish event by event."""

    def __init__(
        self,
        settings: KafkaSettings,
        shard: Shard,
        stop: asyncio.Event,
        status: RelayStatus,
        *,
        creates_topics: bool,
        dead_letter_above_bytes: int,
    ) -> None:
        self._settings = settings
        self._shard = shard
        self._stop = stop
        self._status = status
        self._creates_topics = creates_topics
        self._dead_letter_above_bytes = dead_letter_above_bytes
        self._one_by_one_to = 0
        self._blockers: tuple[str, ...] = ()

    async def run(self, connection: Connection, claim: PartitionClaim) -> None:
        """Publish until told to stop. Raises TopicWentBack, EventsRefused, LogClosed, and what Kafka and psycopg do."""
        self._status.set_closed((await read_log_state(connection)).closed_because)  # also when Kafka does not answer
        if self._creates_topics:
            await create_topics(self._settings, cell_declarations(self._settings))
        else:
            await require_topics(self._settings, [*event_topics(), RELAY_PROGRESS])
        state = await self._wait_until_open(connection)
        if state is None:
            return
        async with Session.open(self._settings, self._shard, state, await claim.overlapping_shards()) as session:
            if await read_log_state(connection) != state:
                return  # it was closed, or opened anew, while the session was opened
            reason = await reason_log_went_back(connection, state, session.newest, session.newest_epoch)
            if reason is not None:
                await connection.execute(QUERIES["close_log"], {"reason": reason})
                raise LogClosed(reason)
            log.info("relay_started", shard=str(self._shard), position=session.position)
            await listen(connection)
            reader = Reader(connection, session.position)
            self._status.position = session.position
            self._status.is_connected = True
            metrics.LEADING.set(1)
            PUBLICATIONS.begin()
            try:
                await self._publish(session, reader, connection, state)
            finally:
                PUBLICATIONS.end()
                self._status.gap_watch = None
                await reader.close()

    async def _wait_until_open(self, connection: Connection) -> LogState | None:
        """Return the state of the open log, recovered if no operator has to decide; None when told to stop."""
        while not self._stop.is_set():
            self._status.heartbeat()
            state = await read_log_state(connection)
            self._status.set_closed(state.closed_because)
            if state.closed_because is None:
                return state
            async with self._status.heartbeats(), asyncio.timeout(_RECOVERY_TIMEOUT_S):
                blockers = await recover_automatically(self._settings, connection, state)
            if blockers is None:
                await self._sleep(_CHECK_RECOVERY_EVERY_S)
            elif blockers:
                if blockers != self._blockers:
                    log.error("log_needs_decision", obstacles=blockers, remedy="paystream recover --dry-run")
                self._blockers = blockers
                await self._sleep(_CHECK_CLOSED_EVERY_S)
        return None

    async def _publish(self, session: Session, reader: Reader, connection: Connection, opened: LogState) -> None:
        pauses, check_at, partitions_at = Pauses(_IDLE), 0.0, 0.0
        is_refilling = session.position == 0
        refused = await _refused_positions(connection, session.position)
        watch = self._status.gap_watch = GapWatch(connection)
        # What is appended between two rounds is read and published together.
        pacing = Pacing(0.015, per_item_s=0.002, longest_s=0.05)
        while not self._stop.is_set():
            await pacing.wait(self._stop)
            self._status.heartbeat()
            events, position = await reader.next()
            pacing.begin(len(events))
            if events:
                if is_refilling and self._status.position == 0:
                    log.info("relay_refill_started", shard=str(self._shard))
                taken = [event for event in events if event.position not in refused]
                sent = await self._publish_run(session, taken, position, connection)
                self._status.position = position
                PUBLICATIONS.published(topic_of(event.category) for event in sent)
                _record_metrics(sent, position, is_refilling=is_refilling)
                pauses.succeeded()
            else:
                is_refilling = False
            if monotonic() > check_at:
                await watch.check(position, waits=reader.waits)
                await session.check_topics()
                await _require_open(connection, opened)
                await session.write_progress()
                check_at = monotonic() + _CHECK_EVERY_S
            if monotonic() > partitions_at:
                with suppress(psycopg.errors.LockNotAvailable):  # a long reader: later, there is room for 30 million
                    await connection.execute(QUERIES["ensure_partitions"])
                partitions_at = monotonic() + _PARTITIONS_EVERY_S
            if not events:
                pause_s = pauses.failed()
                # No signal tells that a gap was decided.
                await wait_for_append(connection, timeout_s=min(pause_s, _GAP_S) if reader.waits else pause_s)

    async def _publish_run(
        self, session: Session, events: Sequence[RecordedEvent], position: int, connection: Connection
    ) -> list[RecordedEvent]:
        """Publish events up to a position. Raises EventsRefused when the next session can go on without one of them."""
        try:
            return await session.publish(events, position, one_by_one=position <= self._one_by_one_to)
        except EventsRefused as refused:
            if not any(len(event.data) > self._dead_letter_above_bytes for event in refused.events):
                raise TopicLimitTooLow(refused, KafkaNames.of(self._settings)) from refused
            if len(refused.events) > 1:
                self._one_by_one_to = position  # the next session finds out which of them it is
            else:
                await _record_refused_event(connection, refused)
            raise

    async def _sleep(self, seconds: float) -> None:
        await wait_for_event(self._stop, timeout_s=seconds)


async def _record_refused_event(connection: Connection, refused: EventsRefused) -> None:
    """Record the event that Kafka refused, so that the next session publishes what follows it."""
    (event,) = refused.events
    row = {"position": event.position, "event_id": event.event_id, "stream_id": event.stream_id}
    await connection.execute(
        QUERIES["refuse_event"], row | {"type": event.type, "reason": type(refused.error).__name__}
    )
    metrics.REFUSED.inc()
    log.error(
        "relay_event_refused",
        position=event.position,
        event_id=str(event.event_id),
        stream_id=str(event.stream_id),
        type=event.type,
        size_bytes=len(event.data),
        reason=repr(refused.error),
    )


async def _refused_positions(connection: Connection, position: int) -> frozenset[int]:
    """Return the positions, after this one, of the events that Kafka refused."""
    cursor = await connection.execute(QUERIES["refused_positions"], {"position": position})
    return frozenset(row[0] for row in await cursor.fetchall())


async def _require_open(connection: Connection, opened: LogState) -> None:
    state = await read_log_state(connection)
    if state != opened:
        raise LogClosed(state.closed_because or f"it was opened anew, in epoch {state.epoch}")


def _record_spans(sent: Sequence[RecordedEvent]) -> None:
    if is_tracing():
        for event in sent:
            about = {"messaging.system": "kafka", "paystream.event_id": str(event.event_id)}
            span = FinishedSpan(f"publish {event.type}", event.metadata.traceparent, about)
            record_spans([span], kind="producer", began=event.recorded_at)


def _record_metrics(sent: Sequence[RecordedEvent], position: int, *, is_refilling: bool) -> None:
    """Count what was published. While an empty topic is filled again, delays say nothing: those events are old."""
    if not is_refilling:
        now = datetime.now(UTC)
        for event in sent:
            metrics.PUBLISH_DELAY.observe((now - event.recorded_at).total_seconds())
        _record_spans(sent)
    metrics.PUBLISHED.inc(len(sent))
    metrics.POSITION.set(position)

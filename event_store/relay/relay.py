"""The relay's loop: read the log in order, publish, again; after an error a new session, never a skipped event."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic

import psycopg
import structlog
from aiokafka.errors import KafkaError, ProducerFenced

from event_store.recovery.recover import recover_unless_decided, why_log_went_back
from event_store.relay import metrics
from event_store.relay.claim import Claim
from event_store.relay.gap_watch import GapWatch
from event_store.relay.reader import Reader
from event_store.relay.session import EventsRefused, Session, TopicWentBack
from event_store.relay.shard import Shard
from event_store.store import QUERIES, Connection, LogState, read_log_state
from infra.errors import InfraError, ProcessFailed
from infra.kafka.topics import create_topics, require_topics
from infra.process.health import Unhealthy
from infra.process.waiting import wait_for_event
from infra.settings.kafka import KafkaSettings
from schemas.envelope import RecordedEvent
from schemas.topics import RELAY_PROGRESS, declarations, event_topics

log = structlog.get_logger(__name__)

_IDLE_MIN_S, _IDLE_MAX_S = 0.003, 0.05
_RETRY_MIN_S, _RETRY_MAX_S = 0.1, 2.0
_LOOK_AROUND_EVERY_S = 1.0
_PARTITIONS_EVERY_S = 600.0
_STUCK_AFTER_S = 60.0
_SLOW_AFTER_S = 3.0
_FINISH_S, _CLOSE_S = 1.0, 2.5
_AGAIN_S = 1.0
_CLOSED_LOOK_EVERY_S = 5.0
_OTHERS_LOOK_EVERY_S = 0.1
_RECOVERY_S = 1800.0


class LogClosed(InfraError):
    """The log is closed: nothing is published from it until it was compared with Kafka."""


class Relay:
    """Publishes one shard of the log until `stop` is set."""

    def __init__(
        self,
        settings: KafkaSettings,
        database_url: str,
        shard: Shard,
        stop: asyncio.Event,
        *,
        creates_topics: bool = True,
        takeover_after_s: float = 10.0,
        dead_letter_above_bytes: int = 100_000,
    ) -> None:
        self._settings = settings
        self._creates_topics = creates_topics
        self._database_url = database_url
        self._shard = shard
        self._stop = stop
        # Without transactions Kafka would not fence the other: then nobody takes over from one that is only silent.
        self._takeover_after_s = takeover_after_s if settings.kafka_transactions else None
        self._connected = False
        self._standing_by = False
        self._dead_letter_above_bytes = dead_letter_above_bytes
        self._one_by_one_to = 0
        self._claim_lost = False
        self._turned_at = monotonic()
        self._gap_watch: GapWatch | None = None
        self._closed_because: str | None = None
        self._obstacles: tuple[str, ...] = ()
        self.position: int | None = None
        """Everything of the shard up to here is published; None while this relay does not publish."""

    async def run(self) -> None:
        """Publish until told to stop.

        Raises ProcessFailed when a newer relay of this shard has taken over, and when a topic is not as declared.
        """
        pause = _RETRY_MIN_S
        while not self._stop.is_set():
            opened_at = monotonic()
            try:
                await self._session_unless_stopped()
            except ProducerFenced:
                metrics.SESSIONS.labels(ended_by="fenced").inc()
                raise ProcessFailed(self._why_fenced()) from None
            except TopicWentBack as error:
                metrics.SESSIONS.labels(ended_by="topic_went_back").inc()
                log.warning("relay_topic_went_back", error=str(error))
            except EventsRefused as error:
                metrics.SESSIONS.labels(ended_by="event_refused").inc()
                log.warning("relay_batch_refused", error=str(error))
            except ProcessFailed:  # an InfraError too, but trying again would not help: a topic is not as declared
                metrics.SESSIONS.labels(ended_by="error").inc()
                raise
            except (KafkaError, TimeoutError, OSError, psycopg.OperationalError, InfraError) as error:
                metrics.SESSIONS.labels(ended_by="error").inc()
                log.warning("relay_session_failed", error=repr(error), retry_in_s=pause)
                pause = _RETRY_MIN_S if monotonic() - opened_at > 10 * _RETRY_MAX_S else pause
                await self._sleep(pause)
                pause = min(pause * 2, _RETRY_MAX_S)
            else:
                metrics.SESSIONS.labels(ended_by="stop").inc()
            finally:
                self._connected = False

    async def check_ready(self) -> None:
        """Readiness: PostgreSQL and Kafka are both in hand, or another relay publishes and this one stands by."""
        if self._closed_because is not None:
            raise Unhealthy(f"the log is closed: {self._closed_because}")
        if not self._connected and not self._standing_by:
            raise Unhealthy("not connected to PostgreSQL and Kafka")
        silent_s = monotonic() - self._turned_at
        if silent_s > _SLOW_AFTER_S:
            raise Unhealthy(f"PostgreSQL or Kafka has not answered for {silent_s:.0f} s")
        if self._gap_watch is not None and self._gap_watch.reason is not None:
            raise Unhealthy(self._gap_watch.reason)

    async def check_live(self) -> None:
        """Liveness: the loop still turns, be it from error to error."""
        silent_s = monotonic() - self._turned_at
        if silent_s > _STUCK_AFTER_S:
            raise Unhealthy(f"the loop has not turned for {silent_s:.0f} s")

    async def _session_unless_stopped(self) -> None:
        """Run a session; when told to stop, give it a moment to finish, then leave it: Kafka may not answer."""
        session, stopping = asyncio.create_task(self._session()), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({session, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({session}, timeout=_FINISH_S)
        finally:
            stopping.cancel()
            if not session.done():
                session.cancel()
                await asyncio.wait({session}, timeout=_CLOSE_S)
        if session.done() and not session.cancelled():
            session.result()
        else:
            log.warning("relay_session_abandoned", reason="Kafka or PostgreSQL did not answer while stopping")

    async def _session(self) -> None:
        self._turn()
        connection = await psycopg.AsyncConnection.connect(
            self._database_url, autocommit=True, prepare_threshold=1, connect_timeout=5
        )
        async with connection:
            claim = Claim(
                connection,
                self._shard,
                self._settings.kafka_topic_partitions,
                takeover_after_s=self._takeover_after_s,
            )
            if not await self._claimed(claim):
                return
            self._claim_lost = False
            # Before anything else: who takes over from this relay must know that it was there, to fence it.
            await claim.note(None)
            try:
                await _while_kept(claim.keep(lambda: self.position), self._publish(connection, claim))
            except Exception:
                self._claim_lost = self._takeover_after_s is not None and not await claim.is_held()
                raise
            finally:
                self.position = None
                metrics.LEADING.set(0)
                metrics.GAP_WAIT.set(0)

    async def _claimed(self, claim: Claim) -> bool:
        """Wait for the claim; False when told to stop. Raises ProcessFailed when it was taken from this relay."""
        if self._claim_lost:
            until = monotonic() + _AGAIN_S
            while monotonic() < until:  # the server may take a moment to see that the old connection is gone
                if await claim.take():
                    return True
                await self._sleep(_IDLE_MAX_S)
            metrics.SESSIONS.labels(ended_by="fenced").inc()
            raise ProcessFailed(self._why_fenced())
        self._standing_by = True
        try:
            return await claim.wait(self._stop, self._turn)
        finally:
            self._standing_by = False

    async def _publish(self, connection: Connection, claim: Claim) -> None:
        self._show_closed((await read_log_state(connection)).closed_because)  # also when Kafka does not answer
        if self._creates_topics:
            partitions, replicas = self._settings.kafka_topic_partitions, self._settings.kafka_replication_factor
            await create_topics(self._settings, declarations(partitions, replicas))
        else:
            await require_topics(self._settings, [*event_topics(), RELAY_PROGRESS])
        state = await self._opened(connection)
        if state is None:
            return
        async with Session.open(self._settings, self._shard, state, await claim.others()) as session:
            if await read_log_state(connection) != state:
                return  # it was closed, or opened anew, while the session was opened
            reason = await why_log_went_back(connection, state, session.newest, session.newest_epoch)
            if reason is not None:
                await connection.execute(QUERIES["close_log"], {"reason": reason})
                raise LogClosed(reason)
            log.info("relay_started", shard=str(self._shard), position=session.position)
            reader = Reader(connection, session.position)
            self.position = session.position
            self._connected = True
            metrics.LEADING.set(1)
            try:
                await self._publish_from(session, reader, connection, state)
            finally:
                self._gap_watch = None
                await reader.close()

    async def _opened(self, connection: Connection) -> LogState | None:
        """Wait until the log is open, and open it when that needs nobody's decision; None when told to stop."""
        while not self._stop.is_set():
            self._turn()
            state = await read_log_state(connection)
            self._show_closed(state.closed_because)
            if state.closed_because is None:
                return state
            async with self._turning(), asyncio.timeout(_RECOVERY_S):
                obstacles = await recover_unless_decided(self._settings, connection, state)
            if obstacles is None:
                await self._sleep(_OTHERS_LOOK_EVERY_S)
            elif obstacles:
                if obstacles != self._obstacles:
                    log.error("log_needs_decision", obstacles=obstacles, remedy="paystream recover --dry-run")
                self._obstacles = obstacles
                await self._sleep(_CLOSED_LOOK_EVERY_S)
        return None

    def _show_closed(self, reason: str | None) -> None:
        if reason is not None and reason != self._closed_because:
            log.warning("log_closed", reason=reason)
        self._closed_because = reason
        metrics.LOG_CLOSED.set(reason is not None)

    async def _publish_from(self, session: Session, reader: Reader, connection: Connection, opened: LogState) -> None:
        pause, look_around_at, partitions_at = _IDLE_MIN_S, 0.0, 0.0
        refilling = session.position == 0
        refused = await _refused(connection, session.position)
        watch = self._gap_watch = GapWatch(connection)
        while not self._stop.is_set():
            self._turn()
            events, position = await reader.next()
            if events:
                if refilling and self.position == 0:
                    log.info("relay_refill_started", shard=str(self._shard))
                taken = [event for event in events if event.position not in refused]
                try:
                    sent = await session.publish(taken, position, one_by_one=position <= self._one_by_one_to)
                except EventsRefused as error:
                    if not any(len(event.data) > self._dead_letter_above_bytes for event in error.events):
                        # Ordinary events: the topic takes too little, by mistake. They wait until that is mended.
                        raise error.error from error
                    await self._bury(connection, error, up_to=position)
                    raise
                self.position = position
                _show(sent, position, delays=not refilling)
                pause = _IDLE_MIN_S
            else:
                refilling = False
            if monotonic() > look_around_at:
                await watch.look(position, waits=reader.waits)
                await session.check_topics()
                await self._require_open(connection, opened)
                await session.write_progress()
                look_around_at = monotonic() + _LOOK_AROUND_EVERY_S
            if monotonic() > partitions_at:
                with suppress(psycopg.errors.LockNotAvailable):  # a long reader: later, there is room for 30 million
                    await connection.execute(QUERIES["ensure_partitions"])
                partitions_at = monotonic() + _PARTITIONS_EVERY_S
            if not events:
                await self._sleep(pause)
                pause = min(pause * 2, _IDLE_MAX_S)

    @asynccontextmanager
    async def _turning(self) -> AsyncIterator[None]:
        """Count as turning meanwhile: what a day-old backup lost takes minutes to write back."""

        async def turn() -> None:
            while True:
                self._turn()
                await asyncio.sleep(_LOOK_AROUND_EVERY_S)

        ticking = asyncio.create_task(turn())
        try:
            yield
        finally:
            ticking.cancel()

    async def _bury(self, connection: Connection, refused: EventsRefused, *, up_to: int) -> None:
        """Note the event that Kafka refused, to go on without it. Of several, find it first: publish each alone."""
        if len(refused.events) > 1:
            self._one_by_one_to = up_to
            return
        (event,) = refused.events
        noted = {"position": event.position, "event_id": event.event_id, "stream_id": event.stream_id}
        await connection.execute(
            QUERIES["refuse_event"], noted | {"type": event.type, "reason": type(refused.error).__name__}
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

    async def _require_open(self, connection: Connection, opened: LogState) -> None:
        state = await read_log_state(connection)
        if state != opened:
            raise LogClosed(state.closed_because or f"it was opened anew, in epoch {state.epoch}")

    def _turn(self) -> None:
        self._turned_at = monotonic()

    def _why_fenced(self) -> str:
        if self._claim_lost:
            return f"a newer relay of shard {self._shard} has taken over; this one publishes nothing more"
        return (
            f"Kafka has fenced the relay of shard {self._shard}, though no other holds its partitions: one with "
            "another database uses this cluster, or its transaction stood open for too long; it publishes nothing more"
        )

    async def _sleep(self, seconds: float) -> None:
        await wait_for_event(self._stop, timeout_s=seconds)


async def _refused(connection: Connection, position: int) -> frozenset[int]:
    """Return the positions, behind this one, of the events that Kafka refused."""
    cursor = await connection.execute(QUERIES["refused_positions"], {"position": position})
    return frozenset(row[0] for row in await cursor.fetchall())


async def _while_kept(keeping: Coroutine[None, None, None], working: Coroutine[None, None, None]) -> None:
    """Run `working`, but only while `keeping` has not failed: its error ends both."""
    keeper, worker = asyncio.create_task(keeping), asyncio.create_task(working)
    try:
        await asyncio.wait({keeper, worker}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        both = {keeper, worker}
        done = {task for task in both if task.done()}
        for task in both - done:
            task.cancel()
        await asyncio.wait(both)
    for task in (worker, keeper):
        if task in done:
            task.result()


def _show(sent: Sequence[RecordedEvent], position: int, *, delays: bool) -> None:
    """Count what was published. `delays` is false while an empty topic is filled again: those events are old news."""
    if delays:
        now = datetime.now(UTC)
        for event in sent:
            metrics.PUBLISH_DELAY.observe((now - event.recorded_at).total_seconds())
    metrics.PUBLISHED.inc(len(sent))
    metrics.POSITION.set(position)

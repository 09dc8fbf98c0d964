"""The relay of one shard: claims its partitions, publishes, and begins again after an error."""

import asyncio
from collections.abc import Coroutine
from time import monotonic

import psycopg
import structlog
from aiokafka.errors import KafkaError, ProducerFenced

from event_store.relay import metrics
from event_store.relay.partition_claim import PartitionClaim
from event_store.relay.publisher import Publisher
from event_store.relay.session import EventsRefused, TopicWentBack
from event_store.relay.shard import Shard
from event_store.relay.status import RelayStatus
from infra.backoff import Backoff, Pauses
from infra.errors import InfraError, ProcessFailed
from infra.postgres.sessions import connect_session
from infra.process.waiting import wait_for_event
from infra.settings.kafka import KafkaSettings

log = structlog.get_logger(__name__)

_RETRY = Backoff(first_s=0.1, longest_s=2.0)
_STABLE_AFTER_S = 20.0  # a session that lasted so long was no failed attempt
_FINISH_S, _CLOSE_S = 1.0, 2.5
_RECLAIM_S, _RECLAIM_EVERY_S = 1.0, 0.05


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
        self._database_url = database_url
        self._shard = shard
        self._stop = stop
        # Without transactions Kafka would not fence the other: then nobody takes over from one that is only silent.
        self._takeover_after_s = takeover_after_s if settings.kafka_transactions else None
        self._lost_claim = False
        self.status = RelayStatus()
        self._publisher = Publisher(
            settings,
            shard,
            stop,
            self.status,
            creates_topics=creates_topics,
            dead_letter_above_bytes=dead_letter_above_bytes,
        )

    @property
    def position(self) -> int | None:
        """Everything of the shard up to here is published; None while this relay does not publish."""
        return self.status.position

    async def run(self) -> None:
        """Publish until told to stop.

        Raises ProcessFailed when a newer relay of this shard has taken over, and when a topic is not as declared.
        """
        pauses = Pauses(_RETRY)
        while not self._stop.is_set():
            opened_at = monotonic()
            try:
                await self._session_unless_stopped()
            except ProducerFenced:
                metrics.SESSIONS.labels(ended_by="fenced").inc()
                raise ProcessFailed(self._fenced_reason()) from None
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
                if monotonic() - opened_at > _STABLE_AFTER_S:
                    pauses.succeeded()
                pause_s = pauses.failed()
                log.warning("relay_session_failed", error=repr(error), retry_in_s=pause_s)
                await wait_for_event(self._stop, timeout_s=pause_s)
            else:
                metrics.SESSIONS.labels(ended_by="stop").inc()
            finally:
                self.status.is_connected = False

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
        """Connect, claim the partitions and publish for as long as the claim holds."""
        self.status.heartbeat()
        async with await connect_session(self._database_url, user="the relay", prepare_threshold=1) as connection:
            claim = PartitionClaim(
                connection,
                self._shard,
                self._settings.kafka_topic_partitions,
                takeover_after_s=self._takeover_after_s,
            )
            if not await self._wait_for_claim(claim):
                return
            self._lost_claim = False
            # Before anything else: who takes over from this relay must know that it was there, to fence it.
            await claim.heartbeat(None)
            try:
                await _while_running(claim.keep(lambda: self.position), self._publisher.run(connection, claim))
            except Exception:
                self._lost_claim = self._takeover_after_s is not None and not await claim.is_held()
                raise
            finally:
                self.status.position = None
                metrics.LEADING.set(0)
                metrics.GAP_WAIT.set(0)

    async def _wait_for_claim(self, claim: PartitionClaim) -> bool:
        """Wait for the claim; False when told to stop. Raises ProcessFailed when it was taken from this relay."""
        if self._lost_claim:
            until = monotonic() + _RECLAIM_S
            while monotonic() < until:  # the server may take a moment to see that the old connection is gone
                if await claim.take():
                    return True
                await wait_for_event(self._stop, timeout_s=_RECLAIM_EVERY_S)
            metrics.SESSIONS.labels(ended_by="fenced").inc()
            raise ProcessFailed(self._fenced_reason())
        self.status.is_standby = True
        try:
            return await claim.wait(self._stop, self.status.heartbeat)
        finally:
            self.status.is_standby = False

    def _fenced_reason(self) -> str:
        if self._lost_claim:
            return f"a newer relay of shard {self._shard} has taken over; this one publishes nothing more"
        return (
            f"Kafka has fenced the relay of shard {self._shard}, though no other holds its partitions: one with "
            "another database uses this cluster, or its transaction stood open for too long; it publishes nothing more"
        )


async def _while_running(guard: Coroutine[None, None, None], work: Coroutine[None, None, None]) -> None:
    """Run `work`, but only while `guard` has not failed: its error ends both."""
    guarding, working = asyncio.create_task(guard), asyncio.create_task(work)
    try:
        await asyncio.wait({guarding, working}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        both = {guarding, working}
        done = {task for task in both if task.done()}
        for task in both - done:
            task.cancel()
        await asyncio.wait(both)
    for task in (working, guarding):
        if task in done:
            task.result()

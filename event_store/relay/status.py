"""What a relay shows of itself: whether it is ready, whether its loop lives, and how far it has published."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import structlog

from event_store.relay import metrics
from event_store.relay.gap_watch import GapWatch
from infra.process.health import DependencyMissing, Unhealthy

log = structlog.get_logger(__name__)

_STUCK_AFTER_S = 60.0
_SLOW_AFTER_S = 3.0
_HEARTBEAT_EVERY_S = 1.0


class RelayStatus:
    """Set by the relay and its publisher, read by health checks."""

    def __init__(self) -> None:
        self.is_connected = False
        self.is_standby = False
        self.gap_watch: GapWatch | None = None
        self.position: int | None = None
        """Everything of the shard up to here is published; None while this relay does not publish."""
        self._closed_because: str | None = None
        self._last_heartbeat = monotonic()

    def heartbeat(self) -> None:
        """Show that the loop goes round."""
        self._last_heartbeat = monotonic()

    @asynccontextmanager
    async def heartbeats(self) -> AsyncIterator[None]:
        """Show it once a second within the block: to write back what a day-old backup lost takes minutes."""

        async def repeat() -> None:
            while True:
                self.heartbeat()
                await asyncio.sleep(_HEARTBEAT_EVERY_S)

        repeating = asyncio.create_task(repeat())
        try:
            yield
        finally:
            repeating.cancel()

    def set_closed(self, reason: str | None) -> None:
        """Show whether the log is closed, and why; None: it is open."""
        if reason is not None and reason != self._closed_because:
            log.warning("log_closed", reason=reason)
        self._closed_because = reason
        metrics.LOG_CLOSED.set(reason is not None)

    async def check_ready(self) -> None:
        """Readiness: PostgreSQL and Kafka both answer, or another relay publishes and this one is its standby."""
        if self._closed_because is not None:
            raise Unhealthy(f"the log is closed: {self._closed_because}")
        if not self.is_connected and not self.is_standby:
            raise DependencyMissing("not connected to PostgreSQL and Kafka")
        silent_s = monotonic() - self._last_heartbeat
        if silent_s > _SLOW_AFTER_S:
            raise Unhealthy(f"PostgreSQL or Kafka has not answered for {silent_s:.0f} s")
        if self.gap_watch is not None and self.gap_watch.reason is not None:
            raise Unhealthy(self.gap_watch.reason)

    async def check_live(self) -> None:
        """Liveness: the loop goes round, even if from error to error."""
        silent_s = monotonic() - self._last_heartbeat
        if silent_s > _STUCK_AFTER_S:
            raise Unhealthy(f"the loop has not gone round for {silent_s:.0f} s")

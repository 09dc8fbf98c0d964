"""Seals again and again while this process is the one that does."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import structlog

from event_store.proofs.errors import ProofError
from event_store.proofs.log_rows import rows_after
from event_store.sealer import metrics
from event_store.sealer.sealing import Sealing
from event_store.sealer.witnessing import Witnessing
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from infra.process.heartbeat import Heartbeat
from infra.redis.redlock import Redlock, run_as_leader

log = structlog.get_logger(__name__)

_LOCK = "sealer"
_STALL_AFTER_S = 60.0


class Sealer:
    """One process seals and others stand by. The lock spares work; two sealers of one folder write the same."""

    def __init__(
        self,
        pool: Pool,
        redlock: Redlock,
        sealing: Sealing,
        witnessing: Witnessing,
        *,
        interval_s: float,
        lock_ttl_ms: int,
    ) -> None:
        self._pool = pool
        self._redlock = redlock
        self._sealing = sealing
        self._witnessing = witnessing
        self._interval_s = interval_s
        self._lock_ttl_ms = lock_ttl_ms
        self._heartbeat = Heartbeat()
        self._oldest_unsealed: datetime | None = None
        self._failed_because: str | None = None
        metrics.OLDEST_UNSEALED_SECONDS.set_function(self._oldest_unsealed_s)

    async def check_live(self) -> None:
        """Raise Unhealthy when it has neither sealed nor stood by for too long."""
        silent = self._heartbeat.silent_s
        if silent > self._interval_s + _STALL_AFTER_S:
            raise Unhealthy(f"nothing was tried in {silent:.0f} s")

    async def check_ready(self) -> None:
        """Raise Unhealthy when the last round failed."""
        if self._failed_because is not None:
            raise Unhealthy(self._failed_because)

    async def run(self, stop: asyncio.Event) -> None:
        """Seal, or stand by, until `stop`."""
        await run_as_leader(
            self._redlock,
            _LOCK,
            self._round,
            stop,
            interval_s=self._interval_s,
            lock_ttl_ms=self._lock_ttl_ms,
            heartbeat=self._heartbeat,
            standby=self._standby,
        )

    async def _standby(self) -> None:
        self._failed_because = self._oldest_unsealed = None
        self._witnessing.standby()

    async def _round(self, result: str, may_continue: Callable[[], bool]) -> None:
        self._heartbeat()
        try:
            async with self._pool.connection() as connection:
                sealed = await self._sealing.seal(connection)
                while sealed and may_continue():
                    self._heartbeat()
                    sealed = await self._sealing.seal(connection)
                last = None if self._sealing.is_up_to_date else self._sealing.last_position
                waiting = [] if last is None else await rows_after(connection, last, limit=1)
        except (ProofError, OSError, psycopg.Error) as error:
            metrics.ROUNDS.labels("failed").inc()
            # A health check does not repeat what a server says.
            self._failed_because = type(error).__name__ + ("" if isinstance(error, psycopg.Error) else f": {error}")
            log.warning("sealing_failed", error=f"{type(error).__name__}: {error}")
        else:
            metrics.ROUNDS.labels("closed" if sealed is None else result).inc()
            self._failed_because = None
            self._oldest_unsealed = datetime.fromisoformat(waiting[0][7]) if waiting else None
            if may_continue():
                await self._witnessing.run(self._pool)

    def _oldest_unsealed_s(self) -> float:
        if self._oldest_unsealed is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - self._oldest_unsealed).total_seconds())

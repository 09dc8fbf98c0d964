"""Sweeps again and again while this process is the one that does."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog
from stripe import StripeError

from consumers.stripe.translate.errors import UnexpectedObject
from consumers.sweeper import metrics
from consumers.sweeper.missing_tasks import make_missing_tasks
from consumers.sweeper.retention import Retention
from consumers.sweeper.sweep import measure, sweep
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from infra.process.heartbeat import Heartbeat
from infra.redis.redlock import Redlock, run_as_leader
from infra.stripe.guard.errors import NotSent

log = structlog.get_logger(__name__)

_LOCK = "sweeper"
_STALL_AFTER_S = 60.0
# What Stripe says or does not say, and an event that this code cannot read: the next sweep asks again.
_OF_STRIPE = (StripeError, NotSent, TimeoutError, UnexpectedObject)


class Events(Protocol):
    """Where events are read that no webhook brought."""

    async def catch_up(self, *, go_on: Callable[[], bool]) -> bool:
        """Read what is new; return whether to its end. Raises what Stripe and the database raise."""


class Sweeper:
    """One process sweeps and others stand by. The lock spares work; two sweepers at once do no harm.

    So while the lock servers are away, each of them sweeps: a payment must not wait for Redis.
    """

    def __init__(
        self,
        pool: Pool,
        redlock: Redlock,
        events: Events,
        *,
        interval_s: float,
        wait_s: float,
        task_wait_s: float,
        batch: int,
        lock_ttl_ms: int,
        abandoned_after_s: float | None = None,
        retention: Retention | None = None,
    ) -> None:
        """`retention`: what is removed when it was kept long enough; None: nothing is."""
        self._retention = retention
        self._pool = pool
        self._redlock = redlock
        self._events = events
        self._interval_s = interval_s
        self._wait_s = wait_s
        self._task_wait_s = task_wait_s
        self._abandoned_after_s = abandoned_after_s
        self._batch = batch
        self._lock_ttl_ms = lock_ttl_ms
        self._heartbeat = Heartbeat()

    async def check_live(self) -> None:
        """Raise Unhealthy when it has neither swept nor stood by for too long."""
        silent = self._heartbeat.silent_s
        if silent > self._interval_s + _STALL_AFTER_S:
            raise Unhealthy(f"no sweep was tried in {silent:.0f} s")

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep, or stand by, until `stop`."""
        await run_as_leader(
            self._redlock,
            _LOCK,
            self._sweep,
            stop,
            interval_s=self._interval_s,
            lock_ttl_ms=self._lock_ttl_ms,
            heartbeat=self._heartbeat,
        )

    async def _sweep(self, result: str, may_continue: Callable[[], bool]) -> None:
        self._heartbeat()
        await self._read_events(may_continue)
        try:
            with metrics.SWEEP_SECONDS.time():
                swept = await sweep(
                    self._pool, wait_s=self._wait_s, limit=self._batch, abandoned_after_s=self._abandoned_after_s
                )
                await measure(self._pool)
                while may_continue() and await make_missing_tasks(self._pool, wait_s=self._task_wait_s):
                    self._heartbeat()
            if self._retention is not None:
                await self._retention.remove(go_on=self._go_on(may_continue))
        except Exception as error:
            if not is_worth_retrying(error):
                raise
            metrics.SWEEPS.labels("failed").inc()
            log.warning("sweep_failed", error=f"{type(error).__name__}: {error}")
        else:
            metrics.SWEEPS.labels("passed" if swept is None else result).inc()

    async def _read_events(self, may_continue: Callable[[], bool]) -> None:
        """Read what Stripe lists of events. Whatever goes wrong with it, the next sweep goes on where this one was."""
        try:
            ended = await self._events.catch_up(go_on=self._go_on(may_continue))
        except Exception as error:
            if not (isinstance(error, _OF_STRIPE) or is_worth_retrying(error)):
                raise
            metrics.EVENT_LISTINGS.labels("failed").inc()
            log.warning("stripe_events_not_listed", error=f"{type(error).__name__}: {error}")
        else:
            metrics.EVENT_LISTINGS.labels("whole" if ended else "cut_short").inc()

    def _go_on(self, may_continue: Callable[[], bool]) -> Callable[[], bool]:
        def go_on() -> bool:
            self._heartbeat()
            return may_continue()

        return go_on

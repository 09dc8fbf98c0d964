"""Consumes only while some merchant has an endpoint: a system without webhooks does nothing for them.

What was recorded before an endpoint was enabled is not for it, so nothing is lost meanwhile. The consumer begins where
it ended the last time, and passes over what nobody wants.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from consumers.webhooks_out.store import has_endpoints
from infra.backoff import Backoff, Pauses
from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.process.waiting import wait_for_event
from schemas.cloudevents import Delivered

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0
_GO_ON_S = 60.0
"""Endpoints that are disabled may be enabled again soon."""
_DATABASE_AWAY = Backoff(first_s=0.2, longest_s=5.0)


class OnDemand:
    """`make` returns a consumer that has not run."""

    def __init__(self, pool: Pool, make: Callable[[], BatchConsumer[Delivered]]) -> None:
        self._pool = pool
        self._make = make
        self._consumer: BatchConsumer[Delivered] | None = None

    def register(self, health: Health, name: str) -> None:
        """Add the consumer's checks to the process's health; while nobody wants anything, all is well."""
        health.add_liveness(name, self._check_live)
        health.add_readiness(name, self._check_ready)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume while there are endpoints, until `stop`."""
        while not stop.is_set():
            if await self._has_endpoints(stop):
                await self._consume(stop)
            else:
                await wait_for_event(stop, timeout_s=_LOOK_EVERY_S)

    async def _consume(self, stop: asyncio.Event) -> None:
        self._consumer = self._make()
        ended = asyncio.Event()
        log.info("webhooks_out_begins")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._consumer.run(ended))
            group.create_task(self._end_without_endpoints(stop, ended))
        self._consumer = None
        log.info("webhooks_out_rests")

    async def _end_without_endpoints(self, stop: asyncio.Event, ended: asyncio.Event) -> None:
        seen_at = time.monotonic()
        while not stop.is_set():
            if await self._has_endpoints(stop):
                seen_at = time.monotonic()
            elif time.monotonic() - seen_at >= _GO_ON_S:
                break
            await wait_for_event(stop, timeout_s=5 * _LOOK_EVERY_S)
        ended.set()

    async def _has_endpoints(self, stop: asyncio.Event) -> bool:
        away = Pauses(_DATABASE_AWAY)
        while not stop.is_set():
            try:
                async with self._pool.connection() as conn:
                    return await has_endpoints(conn)
            except Exception as error:
                if not is_transient(error):
                    raise
                await wait_for_event(stop, timeout_s=away.failed())
        return False

    async def _check_live(self) -> None:
        if self._consumer is not None:
            await self._consumer.check_live()

    async def _check_ready(self) -> None:
        if self._consumer is not None:
            await self._consumer.check_ready()

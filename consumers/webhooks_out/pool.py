"""The worker pool: claims due deliveries and makes them, so many at a time.

A database connection is held only to claim (and to load the events of what was claimed), never during an attempt.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from consumers.webhooks_out import metrics
from consumers.webhooks_out.bodies import Body, read_bodies
from consumers.webhooks_out.claims import claim, find_lanes, share
from consumers.webhooks_out.store import REMOVED_AT_ONCE, LeasedDelivery, count_due, remove_old
from domain.ids import WebhookEndpointId
from event_store.privacy.vault import AnyVault, NoVault
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Pool
from infra.process.due_work import DueWork
from infra.process.pacing import Pacing
from infra.process.waiting import wait_for_event

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0
"""What another process wrote, or what becomes due, waits so long at most. It costs a look into one index."""
_COUNT_EVERY_S = 10.0
_DRAIN_S = 5.0

Make = Callable[[LeasedDelivery, Body], Awaitable[None]]


class DeliveryPool:
    """Up to `concurrency` attempts at once, `per_endpoint` of them to one. `wake` ends an idle wait.

    `vault` has the keys of personal data.
    """

    def __init__(
        self,
        pool: Pool,
        make: Make,
        *,
        concurrency: int,
        per_endpoint: int,
        lease_ms: int,
        retention_s: int,
        wake: asyncio.Event,
        vault: AnyVault | None = None,
    ) -> None:
        self._pool = pool
        self._vault = vault or NoVault()
        self._make = make
        self._concurrency = concurrency
        self._per_endpoint = per_endpoint
        self._lease_ms = lease_ms
        self._retention_s = retention_s
        self._wake = wake
        self._pacing = Pacing(0.01, per_item_s=0.001, longest_s=0.05)  # what is due at one time is claimed together
        self._running: set[asyncio.Task[None]] = set()
        self._in_flight: Counter[WebhookEndpointId] = Counter()
        self._due = DueWork("delivery", "webhooks_out_claim_retries", wake=wake, pacing=self._pacing)
        metrics.begin()

    async def check_live(self) -> None:
        """Raise Unhealthy when nothing was looked for in too long."""
        await self._due.check_live()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and deliver until `stop`; then let what is in flight end, or leave it to whoever comes next."""
        counting = asyncio.create_task(self._count(stop))
        try:
            await self._due.run(stop, self._look)
        finally:
            counting.cancel()
            await self._drain()

    async def _look(self) -> float:
        """Start what is due; return how long to wait until the next look, unless woken."""
        return 0.0 if await self._claim_and_start() else _LOOK_EVERY_S

    async def _claim_and_start(self) -> int:
        capacity = self._concurrency - len(self._running)
        if capacity <= 0:
            return 0
        async with self._pool.connection() as conn:
            lanes = await find_lanes(conn)
            quotas = share(
                lanes,
                self._in_flight,
                capacity=capacity,
                places=self._concurrency,
                per_endpoint=self._per_endpoint,
            )
            leased = await claim(conn, quotas, limit=capacity, lease_ms=self._lease_ms)
            # In the claim's transaction: if this fails, nothing is claimed.
            bodies = await read_bodies(conn, leased, self._vault)
        self._pacing.begin(len(leased))
        for delivery, body in zip(leased, bodies, strict=True):
            self._in_flight[delivery.endpoint_id] += 1
            running = asyncio.create_task(self._run(delivery, body))
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        return len(leased)

    async def _run(self, delivery: LeasedDelivery, body: Body) -> None:
        try:
            await self._make(delivery, body)
        except Exception:
            # Its lease runs out, and it is sent again.
            log.exception("webhook_not_recorded", delivery_id=str(delivery.delivery_id))
        finally:
            self._in_flight[delivery.endpoint_id] -= 1
            if not self._in_flight[delivery.endpoint_id]:
                del self._in_flight[delivery.endpoint_id]
            self._wake.set()

    async def _count(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._pool.connection() as conn:
                    counts = await count_due(conn)
                await self._remove_old(stop)
            except Exception as error:
                if not is_transient(error):
                    log.exception("webhooks_out_not_counted")
            else:
                metrics.PENDING.set(counts.pending)
                metrics.OLDEST_DUE_SECONDS.set(counts.oldest_due_s)
                for status in ("enabled", "failing", "disabled"):
                    metrics.ENDPOINTS.labels(status).set(getattr(counts, status))
            await wait_for_event(stop, timeout_s=_COUNT_EVERY_S)

    async def _remove_old(self, stop: asyncio.Event) -> None:
        """Remove what ended long ago: some at a time, so that no transaction lasts."""
        removed = REMOVED_AT_ONCE
        while removed >= REMOVED_AT_ONCE and not stop.is_set():
            async with self._pool.connection() as conn:
                removed = await remove_old(conn, retention_s=self._retention_s)
            if removed:
                log.info("webhooks_out_removed", deliveries=removed)

    async def _drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=_DRAIN_S)
        left = set(self._running)
        for running in left:
            running.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)

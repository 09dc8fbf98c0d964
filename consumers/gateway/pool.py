"""The worker pool: claims due tasks and runs them, so many at a time.

A database connection is held only to claim (and to load the payments of what was claimed), never during a
call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from consumers.gateway import metrics
from consumers.gateway.job import Job
from consumers.tasks.claims import claim
from consumers.tasks.fair_claims import FairClaims
from consumers.tasks.models import TaskStatus
from consumers.tasks.store import count_open
from domain.ids import PaymentId
from domain.payment.errors import BrokenHistory
from event_store.payments import LoadedPayment, load_payment, load_payments
from event_store.streams import LoadedStream
from infra.backoff import Backoff, Pauses
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Connection, Pool
from infra.process.health import Unhealthy
from infra.process.pacing import Pacing
from infra.process.waiting import wait_for_event
from schemas.errors import SchemaError

log = structlog.get_logger(__name__)

_IDLE = Backoff(first_s=0.05, longest_s=0.25)
_DATABASE_AWAY = Backoff(first_s=0.2, longest_s=5.0)
_COUNT_EVERY_S = 5.0
_DRAIN_S = 5.0
_STALL_AFTER_S = 60.0
_COMPLETING_PER_CALL = 3
_NO_PAYMENT = LoadedPayment(state=None, version=0, events=())


class Admission(Protocol):
    """Whether Stripe may be called now."""

    def capacity(self) -> int | None:
        """Return how many calls may be prepared: None for any number, 0 while Stripe is down."""

    async def wait_until_open(self) -> None:
        """Wait until Stripe may be called."""


class WorkerPool:
    """Up to `concurrency` tasks call Stripe, fewer while it is probed, and none are claimed while it is down.

    `work` runs a job, and calls what it is given once the job needs Stripe no more: another task may call while the
    result of this one waits to be written, up to three of those for each that may call. `wake` ends an idle wait at
    once: there may be work.
    """

    def __init__(
        self,
        pool: Pool,
        work: Callable[[Job, Callable[[], None]], Awaitable[None]],
        *,
        concurrency: int,
        lease_ms: int,
        wake: asyncio.Event,
        admission: Admission,
    ) -> None:
        self._pool = pool
        self._work = work
        self._admission = admission
        self._concurrency = concurrency
        self._lease_ms = lease_ms
        self._wake = wake
        self._fair_claims = FairClaims()
        # Tasks that become due between two claims are claimed together.
        self._pacing = Pacing(0.025, per_item_s=0.012, longest_s=0.075)
        self._running: set[asyncio.Task[None]] = set()
        self._calling: set[UUID] = set()
        self._looked_at = time.monotonic()

    async def check_live(self) -> None:
        """Raise Unhealthy when nothing has been claimed, or tried to be, for too long."""
        silent = time.monotonic() - self._looked_at
        if silent > _STALL_AFTER_S:
            raise Unhealthy(f"no task was looked for in {silent:.0f} s")

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and run tasks until `stop`; then let those in flight end, or put them back."""
        forwarding = asyncio.create_task(self._wake_on(stop))
        counting = asyncio.create_task(self._count(stop))
        idle, away = Pauses(_IDLE), Pauses(_DATABASE_AWAY)
        try:
            while not stop.is_set():
                if not await self._is_open(stop):
                    continue
                await self._pacing.wait(stop)
                self._wake.clear()
                if stop.is_set():
                    break
                try:
                    claimed = await self._claim_and_start()
                    away.succeeded()
                except Exception as error:
                    if not is_transient(error):
                        raise
                    log.warning("gateway_claim_retries", error=f"{type(error).__name__}: {error}")
                    await wait_for_event(stop, timeout_s=away.failed())
                    continue
                if claimed:
                    idle.succeeded()
                idle_s = idle.failed()
                # A call that ends wakes us, as another may begin; so does a task, as its payment's next one may be due.
                is_full = self._free_capacity(self._concurrency) == 0
                await wait_for_event(self._wake, timeout_s=_STALL_AFTER_S / 2 if is_full else idle_s)
        finally:
            forwarding.cancel()
            counting.cancel()
            await self._drain()

    async def _is_open(self, stop: asyncio.Event) -> bool:
        """Return whether Stripe may be called, having waited for it a while."""
        if self._admission.capacity() != 0:
            return True
        self._looked_at = time.monotonic()
        waiting = {asyncio.create_task(self._admission.wait_until_open()), asyncio.create_task(stop.wait())}
        await asyncio.wait(waiting, timeout=_STALL_AFTER_S / 2, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        return False

    def _free_capacity(self, most: int) -> int:
        """Return how many more tasks may be taken on if so many may call; those count that may be about to."""
        most_running = self._concurrency * (1 + _COMPLETING_PER_CALL)
        return max(0, min(most - len(self._calling), most_running - len(self._running)))

    async def _claim_and_start(self) -> int:
        self._looked_at = time.monotonic()
        open_for = self._admission.capacity()
        capacity = self._free_capacity(self._concurrency if open_for is None else min(open_for, self._concurrency))
        if capacity == 0:
            return 0
        jobs = await self._claim(capacity)
        self._pacing.begin(len(jobs))
        for job in jobs:
            self._calling.add(job.task.lease_token)
            running = asyncio.create_task(self._run(job))
            self._running.add(running)
            running.add_done_callback(self._ended)
        metrics.IN_FLIGHT.set(len(self._running))
        return len(jobs)

    async def _claim(self, capacity: int) -> list[Job]:
        lease_ends_at = time.time() + self._lease_ms / 1000
        async with self._pool.connection() as conn:
            tasks = await claim(conn, limit=capacity, lease_ms=self._lease_ms, fair_claims=self._fair_claims)
            if not tasks:
                return []
            # In the claim's transaction: if this fails, nothing is claimed.
            loaded = await _load(conn, {task.payment_id for task in tasks})
        jobs = []
        for task in tasks:
            payment = loaded[task.payment_id]
            unreadable = None if isinstance(payment, LoadedStream) else f"{type(payment).__name__}: {payment}"
            jobs.append(
                Job(
                    task=task,
                    payment=payment if isinstance(payment, LoadedStream) else _NO_PAYMENT,
                    lease_ends_at=lease_ends_at,
                    unreadable=unreadable,
                )
            )
        return jobs

    async def _run(self, job: Job) -> None:
        called = partial(self._called, job.task.lease_token)
        try:
            await self._work(job, called)
        except Exception:
            # Its lease runs out, and it is tried again.
            log.exception("gateway_task_failed", payment_id=str(job.task.payment_id))
        finally:
            called()

    def _called(self, lease_token: UUID) -> None:
        if lease_token in self._calling:
            self._calling.remove(lease_token)
            self._wake.set()

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        metrics.IN_FLIGHT.set(len(self._running))
        self._wake.set()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _count(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._pool.connection() as conn:
                    open_tasks = await count_open(conn)
            except Exception as error:
                if not is_transient(error):
                    # It is looked again: alerts would go on by the numbers of now, whatever came.
                    log.exception("gateway_tasks_not_counted")
            else:
                for status in TaskStatus:
                    if status is not TaskStatus.DONE:
                        found = open_tasks.get(status)
                        metrics.TASKS.labels(status).set(0 if found is None else found.tasks)
                        metrics.OLDEST_SECONDS.labels(status).set(0.0 if found is None else found.longest_s)
            await wait_for_event(stop, timeout_s=_COUNT_EVERY_S)

    async def _drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=_DRAIN_S)
        left = set(self._running)
        for running in left:
            running.cancel()
        if left:
            log.warning("gateway_tasks_put_back", tasks=len(left))
            await asyncio.wait(left, timeout=1.0)


async def _load(
    conn: Connection, payment_ids: set[PaymentId]
) -> Mapping[PaymentId, LoadedPayment | SchemaError | BrokenHistory]:
    """Load payments; one whose events cannot be read, or make no sense, does not hold up the others."""
    try:
        return await load_payments(conn, list(payment_ids))
    except (SchemaError, BrokenHistory):
        return {payment_id: await _load_one(conn, payment_id) for payment_id in payment_ids}


async def _load_one(conn: Connection, payment_id: PaymentId) -> LoadedPayment | SchemaError | BrokenHistory:
    try:
        return await load_payment(conn, payment_id)
    except (SchemaError, BrokenHistory) as error:
        return error

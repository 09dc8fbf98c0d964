"""Looks for sagas that are due: when it is woken, and when the next timer fires.

Timers are rows of the database, so they outlive every process, and fire at once where none ran at their time.
"""

import asyncio

import structlog

from consumers.saga import metrics
from consumers.saga.intake import Sagas
from consumers.saga.runner import SagaRunner
from consumers.saga.store import count_open, next_due_s
from domain.saga.status import ENDED, SagaStatus
from event_store.privacy.vault import AnyVault
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Pool
from infra.process.due_work import DueWork
from infra.process.pacing import Pacing
from infra.process.waiting import wait_for_event

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0
"""What another process was woken for, and did not come to, waits so long at most. It costs a look into one index."""
_COUNT_EVERY_S = 10.0


class SagaWorker:
    """`wake` ends an idle wait at once: there may be work."""

    def __init__(self, pool: Pool, sagas: Sagas, *, wake: asyncio.Event, vault: AnyVault | None = None) -> None:
        self._pool = pool
        self._sagas = sagas
        self._runner = SagaRunner(pool, sagas, vault=vault)
        self._pacing = Pacing(0.025, per_item_s=0.01, longest_s=0.075)  # events that come together make one step
        self._due = DueWork("saga", "sagas_not_stepped", wake=wake, pacing=self._pacing)
        metrics.begin(sagas)

    async def check_live(self) -> None:
        """Raise Unhealthy when no saga was looked for in too long."""
        await self._due.check_live()

    async def run(self, stop: asyncio.Event) -> None:
        """Step sagas until `stop`."""
        counting = asyncio.create_task(self._count(stop))
        try:
            await self._due.run(stop, self._look)
        finally:
            counting.cancel()

    async def _look(self) -> float:
        """Step what is due; return how long to wait until the next look, unless woken."""
        async with self._pool.connection() as conn:
            due_s = await next_due_s(conn, list(self._sagas))
        if due_s is not None and due_s <= 0:
            self._pacing.begin(await self._runner.run_due())
            return 0.0
        return _LOOK_EVERY_S if due_s is None else min(due_s, _LOOK_EVERY_S)

    async def _count(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._pool.connection() as conn:
                    found = {(each.kind, each.status): each for each in await count_open(conn)}
            except Exception as error:
                if not is_transient(error):
                    log.exception("sagas_not_counted")
            else:
                for kind in self._sagas:
                    for status in SagaStatus:
                        if status not in ENDED:
                            each = found.get((kind, status.value))
                            metrics.SAGAS.labels(kind, status.value).set(0 if each is None else each.sagas)
                            longest_s = 0.0 if each is None else each.longest_s
                            metrics.OLDEST_SECONDS.labels(kind, status.value).set(longest_s)
            await wait_for_event(stop, timeout_s=_COUNT_EVERY_S)

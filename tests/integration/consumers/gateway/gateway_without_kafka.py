"""A gateway without Kafka: payments are appended, their tasks are written at once, and workers run them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from consumers.gateway.completion import TaskCompleter
from consumers.gateway.intake import write_tasks
from consumers.gateway.pool import Admission, WorkerPool
from consumers.gateway.worker import Worker
from consumers.stripe.payments import Stripe
from consumers.stripe.requests import CardsBy
from consumers.tasks.models import NewRefresh
from consumers.tasks.store import request_refreshes
from domain.ids import MerchantId, PaymentId
from domain.payment.commands import PaymentCommand
from domain.payment.state import PaymentState
from event_store.event_log import ConnectionLog
from event_store.payments import command_payment, load_payment
from event_store.privacy.vault import AnyVault
from infra.postgres.pool import Pool
from infra.stripe.guard.breaker import Rules
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.guard import StripeGuard
from schemas.cloudevents import Delivered
from schemas.envelope import EventMetadata
from tests.support.payment_histories import request_payment
from tests.support.waiting import eventually

MERCHANT = MerchantId("merchant_test")


class Payments:
    """What the command API does and, `with_intake`, the intake, in one step."""

    def __init__(self, pool: Pool, *, with_intake: bool = True, merchant_id: MerchantId = MERCHANT) -> None:
        self._pool = pool
        self._merchant_id = merchant_id
        self._with_intake = with_intake

    async def request(self, **fields: Any) -> PaymentId:
        """Ask for a payment and return its id."""
        payment_id = PaymentId(uuid.uuid4())
        await self.command(payment_id, request_payment(payment_id, **fields))
        return payment_id

    async def command(self, payment_id: PaymentId, command: PaymentCommand) -> None:
        """Decide, append, and write the tasks of the new events."""
        metadata = EventMetadata(
            correlation_id="c-1", request_id="r-1", actor="api:test", merchant_id=self._merchant_id
        )
        async with self._pool.connection() as conn, conn.transaction():
            decided = await command_payment(ConnectionLog(conn), payment_id, command, metadata)
            newer = (await load_payment(conn, payment_id)).events[decided.before.version :]
            delivered = [Delivered(event=event, previous_position=0) for event in newer]
            if self._with_intake:
                await write_tasks(conn, delivered)

    async def state(self, payment_id: PaymentId) -> PaymentState:
        async with self._pool.connection() as conn:
            state = (await load_payment(conn, payment_id)).state
        assert state is not None
        return state

    async def event_types(self, payment_id: PaymentId) -> list[str]:
        async with self._pool.connection() as conn:
            return [event.type for event in (await load_payment(conn, payment_id)).events]

    async def becomes(self, payment_id: PaymentId, status: str, *, within: float = 10) -> PaymentState:
        return await eventually(
            lambda: self.state(payment_id), until=lambda state: state.status == status, within=within, every=0.02
        )

    async def tasks(self) -> list[tuple[str, str, int, str | None]]:
        """Return operation, status, attempts and last error of every task, in order of their events."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT operation, status, attempts, last_error FROM consumers.gateway_tasks ORDER BY position"
            )
            return await cursor.fetchall()

    async def all_done(self, *, within: float = 10) -> None:
        await eventually(
            self.tasks, until=lambda rows: all(row[1] == "done" for row in rows), within=within, every=0.02
        )

    async def refresh(
        self,
        payment_id: PaymentId,
        *,
        position: int = 1,
        correlation_id: str = "webhook",
        requested_by: str | None = None,
    ) -> None:
        """Ask for a refresh, as a webhook does."""
        refresh = NewRefresh(
            payment_id=payment_id,
            merchant_id=MERCHANT,
            position=position,
            correlation_id=correlation_id,
            requested_by=requested_by,
        )
        async with self._pool.connection() as conn:
            await request_refreshes(conn, [refresh])

    async def execute(self, statement: str) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(statement)


def a_guard() -> StripeGuard:
    """Return a guard that lets all pass while Stripe answers."""
    rules = Rules(window_s=30, minimum_calls=1000, failure_ratio=0.9, open_s=0.1, longest_open_s=0.1, probes=1)
    return StripeGuard(Circuit("test", rules), None, max_concurrency=1000, max_wait_s=5)


@asynccontextmanager
async def working(
    pool: Pool,
    stripe: Stripe,
    *,
    concurrency: int = 16,
    lease_ms: int = 30_000,
    lookup_after_s: float = 0.1,
    missing_after_s: float = 24 * 3600,
    not_listed_after_s: float | None = None,
    admission: Admission | None = None,
    cards_by: CardsBy = CardsBy.ALLOWED_TYPES,
    vault: AnyVault | None = None,
) -> AsyncIterator[WorkerPool]:
    """Run workers until the end of the block, and stop them in good order."""
    stop = asyncio.Event()
    completer = TaskCompleter(pool)
    worker = Worker(
        stripe,
        completer,
        lookup_after_s=lookup_after_s,
        missing_after_s=missing_after_s,
        not_listed_after_s=missing_after_s if not_listed_after_s is None else not_listed_after_s,
        lease_s=lease_ms / 1000,
        cards_by=cards_by,
        vault=vault,
    )
    workers = WorkerPool(
        pool,
        worker.run,
        concurrency=concurrency,
        lease_ms=lease_ms,
        wake=asyncio.Event(),
        admission=a_guard() if admission is None else admission,
    )
    running = asyncio.create_task(workers.run(stop))
    try:
        yield workers
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)
        await completer.close()

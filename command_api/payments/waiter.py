"""Lets requests wait for Stripe's outcome: one poll of the event store for all of them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from domain.payment.state import PaymentState
from event_store.payments import LoadedPayment, load_payments
from infra.postgres.pool import Pool
from infra.postgres.queries import Queries

log = structlog.get_logger(__name__)

QUERIES = Queries.load(Path(__file__).with_name("waiter.sql"))


class PaymentWaiter(Protocol):
    """Waits for payments to change."""

    async def wait(
        self, payment_id: UUID, *, after_version: int, until: Callable[[PaymentState], bool], timeout_s: float
    ) -> LoadedPayment | None:
        """Return the payment once it is past `after_version` and `until` holds, or as it was last seen in `timeout_s`.

        None: nothing newer was seen.
        """


@dataclass(slots=True, eq=False)
class _Waiting:
    payment_id: UUID
    version: int
    until: Callable[[PaymentState], bool]
    done: "asyncio.Future[None]"
    seen: LoadedPayment | None = None


class PollingPaymentWaiter:
    """Polls the versions of payments, only while a request waits, and less often while the database is away."""

    _UNAVAILABLE_PAUSE_S = 0.25

    def __init__(self, pool: Pool, *, interval_s: float = 0.015) -> None:
        self._pool = pool
        self._interval_s = interval_s
        self._waiting: set[_Waiting] = set()
        self._has_waiters = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        self._poller = asyncio.create_task(self._poll_forever(), name="payment-waiter")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release all waiters and stop polling."""
        self.release()
        assert self._poller is not None
        self._poller.cancel()
        with suppress(asyncio.CancelledError):
            await self._poller

    def release(self) -> None:
        """Wait no longer, now and from now on: the process is stopping, and clients get the present state."""
        self._closing = True
        for waiting in self._waiting:
            if not waiting.done.done():
                waiting.done.set_result(None)

    async def wait(
        self, payment_id: UUID, *, after_version: int, until: Callable[[PaymentState], bool], timeout_s: float
    ) -> LoadedPayment | None:
        """Wait until the poller sees it, at most `timeout_s`."""
        if self._closing:
            return None
        done = asyncio.get_running_loop().create_future()
        waiting = _Waiting(payment_id=payment_id, version=after_version, until=until, done=done)
        self._waiting.add(waiting)
        self._has_waiters.set()
        try:
            await asyncio.wait([done], timeout=timeout_s)
        finally:
            self._waiting.discard(waiting)
        return waiting.seen

    async def _poll_forever(self) -> None:
        while True:
            if not self._waiting:
                self._has_waiters.clear()
                await self._has_waiters.wait()
            pause_s = self._interval_s
            try:
                await self._poll()
            except DatabaseError as error:
                log.warning("payment_poll_failed", error=type(error).__name__)
                pause_s = self._UNAVAILABLE_PAUSE_S
            except Exception:
                log.exception("payment_poll_failed")
                pause_s = self._UNAVAILABLE_PAUSE_S
            await asyncio.sleep(pause_s)

    async def _poll(self) -> None:
        waiting = tuple(self._waiting)
        async with self._pool.connection() as connection:
            payment_ids = list({each.payment_id for each in waiting})
            cursor = await connection.execute(QUERIES["versions"], {"payment_ids": payment_ids})
            versions: dict[UUID, int] = dict(await cursor.fetchall())
            moved = [each for each in waiting if versions.get(each.payment_id, 0) > each.version]
            if not moved:
                return
            payments = await load_payments(connection, list({each.payment_id for each in moved}))
        _notify(moved, payments)


def _notify(moved: Sequence[_Waiting], payments: dict[UUID, LoadedPayment]) -> None:
    for each in moved:
        payment = payments[each.payment_id]
        assert payment.state is not None
        each.seen, each.version = payment, payment.version
        if each.until(payment.state) and not each.done.done():
            each.done.set_result(None)

"""Lets requests wait for Stripe's outcome: one poll of the event store for all of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import structlog
from psycopg import Error as DatabaseError

from domain.ids import PaymentId
from domain.payment.state import PaymentState
from event_store.payments import LoadedPayment, load_payments
from infra.postgres.pool import Pool
from infra.postgres.queries import Queries
from infra.process.shared_poller import SharedPoller, Waiter

log = structlog.get_logger(__name__)

QUERIES = Queries.load(Path(__file__).with_name("waiter.sql"))


class PaymentWaiter(Protocol):
    """Waits for payments to change."""

    async def wait(
        self, payment_id: PaymentId, *, after_version: int, until: Callable[[PaymentState], bool], timeout_s: float
    ) -> LoadedPayment | None:
        """Return the payment once it is past `after_version` and `until` holds, or as it was last seen in `timeout_s`.

        None: nothing newer was seen.
        """


@dataclass(slots=True, eq=False, kw_only=True)
class _Waiting(Waiter):
    payment_id: PaymentId
    version: int
    until: Callable[[PaymentState], bool]
    seen: LoadedPayment | None = None


class PollingPaymentWaiter:
    """Polls the versions of payments, only while a request waits, and less often while the database is away."""

    _UNAVAILABLE_PAUSE_S = 0.25

    def __init__(self, pool: Pool, *, interval_s: float = 0.015) -> None:
        self._pool = pool
        self._poller = SharedPoller(
            self._poll, name="payment-waiter", interval_s=interval_s, retry_after_s=self._log_failure
        )
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release all waiters and stop polling."""
        self.release()
        await self._poller.close()

    def release(self) -> None:
        """Wait no longer, now and from now on: the process is stopping, and clients get the present state."""
        self._closing = True
        for waiting in self._poller.waiters:
            waiting.finish()

    async def wait(
        self, payment_id: PaymentId, *, after_version: int, until: Callable[[PaymentState], bool], timeout_s: float
    ) -> LoadedPayment | None:
        """Wait until the poller sees it, at most `timeout_s`."""
        if self._closing:
            return None
        waiting = _Waiting(payment_id=payment_id, version=after_version, until=until)
        await self._poller.wait(waiting, timeout_s)
        return waiting.seen

    def _log_failure(self, error: Exception) -> float:
        if isinstance(error, DatabaseError):
            log.warning("payment_poll_failed", error=type(error).__name__)
        else:
            log.error("payment_poll_failed", exc_info=error)
        return self._UNAVAILABLE_PAUSE_S

    async def _poll(self, waiters: Collection[_Waiting]) -> None:
        async with self._pool.connection() as connection:
            payment_ids = list({each.payment_id for each in waiters})
            cursor = await connection.execute(QUERIES["versions"], {"payment_ids": payment_ids})
            versions: dict[PaymentId, int] = dict(await cursor.fetchall())
            moved = [each for each in waiters if versions.get(each.payment_id, 0) > each.version]
            if not moved:
                return
            payments = await load_payments(connection, list({each.payment_id for each in moved}))
        for each in moved:
            payment = payments[each.payment_id]
            assert payment.state is not None
            each.seen, each.version = payment, payment.version
            if each.until(payment.state):
                each.finish()

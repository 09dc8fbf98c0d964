"""What every call of Stripe goes through: the breaker, a cap of calls in flight, a turn within the rate limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.stripe_guard import metrics
from infra.stripe_guard.breaker import Result
from infra.stripe_guard.circuit import Circuit
from infra.stripe_guard.errors import TooManyCalls
from infra.stripe_guard.rate_limit import RateLimit
from infra.stripe_guard.verdicts import Verdict, judge

_RESULTS = {
    Verdict.SERVED: Result.UP,
    Verdict.LIMITED: Result.UP,
    Verdict.DOWN: Result.DOWN,
    Verdict.NOTHING: Result.NOTHING,
}


class StripeGuard:
    """One for a process, shared by all that call Stripe in it.

        async with guard.call():
            await client.v1.refunds.create_async(...)

    Put only the call itself into the block: its time counts, and its exceptions are judged. What is awaited for long
    before the call (a lease, an age of a key) is to be looked at in the block, since the wait for a turn is over then.
    """

    def __init__(self, circuit: Circuit, rate: RateLimit | None, *, max_concurrency: int, max_wait_s: float) -> None:
        self.circuit = circuit
        self._rate = rate
        self._in_flight = asyncio.Semaphore(max_concurrency)
        self._max_wait_s = max_wait_s

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Wait for a turn and make a call within the block, whose exceptions pass through.

        Raises a NotSent before the block is entered: CircuitOpen at once, TooManyCalls after `max_wait_s` for a place
        and as long again for a turn.
        """
        self.circuit.check()  # before the wait, so as not to use up turns
        await self._take_place()
        try:
            with metrics.IN_FLIGHT.track_inprogress():
                if self._rate is not None:
                    await self._rate.take()
                async with self._judged():
                    yield
        finally:
            self._in_flight.release()

    @asynccontextmanager
    async def _judged(self) -> AsyncIterator[None]:
        admission = self.circuit.enter()
        verdict = Verdict.NOTHING  # as when it is cancelled
        try:
            yield
            verdict = Verdict.SERVED
        except Exception as error:
            verdict = judge(error)
            raise
        finally:
            self.circuit.leave(admission, _RESULTS[verdict])
            await self._tell_rate(verdict)

    async def _tell_rate(self, verdict: Verdict) -> None:
        if self._rate is None:
            return
        if verdict is Verdict.SERVED:
            self._rate.succeeded()
        elif verdict is Verdict.LIMITED:
            await self._rate.cut()

    async def _take_place(self) -> None:
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._in_flight.acquire()
        except TimeoutError:
            metrics.HELD_BACK.inc()
            raise TooManyCalls(wait_s=self._max_wait_s) from None

    def room(self) -> int | None:
        """Return how many calls may be prepared now: None for any number, few while Stripe is probed, 0 while down."""
        return self.circuit.room()

    async def admitted(self) -> None:
        """Wait until Stripe may be called."""
        await self.circuit.admitted()

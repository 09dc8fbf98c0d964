"""What every call of Stripe goes through: a breaker, a cap of calls in flight, a turn within the rate limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.process.health import Unhealthy
from infra.stripe.guard import metrics
from infra.stripe.guard.breaker import Result, State
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.errors import TooManyCalls
from infra.stripe.guard.in_flight import InFlight
from infra.stripe.guard.rate_limit import RateLimit
from infra.stripe.guard.verdicts import Verdict, judge

_RESULTS = {
    Verdict.SERVED: Result.UP,
    Verdict.LIMITED: Result.UP,
    Verdict.LIMITED_HERE: Result.UP,
    Verdict.DOWN: Result.DOWN,
    Verdict.UNANSWERED: Result.DOWN,
    Verdict.NOTHING: Result.NOTHING,
}
# Whether it was answered in time. A failure of Stripe's own says nothing of that.
_ANSWERED = {
    Verdict.SERVED: True,
    Verdict.LIMITED: True,
    Verdict.LIMITED_HERE: True,
    Verdict.UNANSWERED: False,
}


class StripeGuard:
    """One for a process, shared by all that call Stripe in it.

        async with guard.call("create_refund", writes=True, urgent=True):
            await client.v1.refunds.create_async(...)

    Put only the call itself into the block: its time counts, and its exceptions are judged. What is awaited for long
    before the call (a lease, an age of a key) is to be looked at in the block, since the wait for a turn is over then.

    `circuit` is that of all reads. Each kind of change has its own, made when it is first asked for: reads that work
    say nothing of changes that fail, nor one change of another. `max_concurrency` calls are in flight at most; fewer
    after some that got no answer.
    """

    def __init__(self, circuit: Circuit, rate: RateLimit | None, *, max_concurrency: int, max_wait_s: float) -> None:
        self.circuit = circuit
        self._of_changes: dict[str, Circuit] = {}
        self._rate = rate
        self._in_flight = InFlight(max_concurrency)
        self._max_wait_s = max_wait_s

    @asynccontextmanager
    async def call(
        self, endpoint: str | None = None, *, writes: bool = False, urgent: bool = False
    ) -> AsyncIterator[None]:
        """Wait for a turn and make a call within the block, whose exceptions pass through.

        `endpoint` names what is called, as Stripe limits each by itself. `urgent`: it comes before others that wait
        for their turn. Raises a NotSent before the block is entered: CircuitOpen at once, TooManyCalls after
        `max_wait_s` for a place and as long again for a turn.
        """
        circuit = self._circuit_of(endpoint or "change") if writes else self.circuit
        circuit.check()  # before the wait, so as not to use up turns
        place = await self._take_place(urgent=urgent)
        verdict = Verdict.NOTHING  # as when it is cancelled
        try:
            with metrics.IN_FLIGHT.track_inprogress():
                if self._rate is not None:
                    await self._rate.take(endpoint, urgent=urgent)
                admission = circuit.enter()
                try:
                    yield
                    verdict = Verdict.SERVED
                except Exception as error:
                    verdict = judge(error)
                    raise
                finally:
                    circuit.leave(admission, _RESULTS[verdict])
                    await self._tell_rate(verdict, endpoint)
        finally:
            self._in_flight.give_back(place, answered=_ANSWERED.get(verdict))

    def _circuit_of(self, endpoint: str) -> Circuit:
        if endpoint not in self._of_changes:
            self._of_changes[endpoint] = self.circuit.for_kind(endpoint)
        return self._of_changes[endpoint]

    async def _tell_rate(self, verdict: Verdict, endpoint: str | None) -> None:
        if self._rate is None:
            return
        match verdict:
            case Verdict.SERVED:
                self._rate.succeeded(endpoint)
            case Verdict.LIMITED_HERE if endpoint is not None:
                self._rate.cut_endpoint(endpoint)
            case Verdict.LIMITED | Verdict.LIMITED_HERE:
                await self._rate.cut()
            case _:
                return

    async def _take_place(self, *, urgent: bool) -> int:
        try:
            async with asyncio.timeout(self._max_wait_s):
                return await self._in_flight.take(first=urgent)
        except TimeoutError:
            metrics.THROTTLED.inc()
            raise TooManyCalls(wait_s=self._max_wait_s) from None

    def room(self) -> int | None:
        """Return how many calls may be prepared now: None for any number, few while Stripe is probed, 0 while down.

        While one kind of change goes well, those of a kind that does not are put off, one by one. Reads count when no
        change was made lately.
        """
        rooms = [circuit.room() for circuit in self._used()]
        known = [room for room in rooms if room is not None]
        admitted = max(known) if len(known) == len(rooms) else None
        given = [room for room in (admitted, self._in_flight.room) if room is not None]
        return min(given, default=None)

    async def admitted(self) -> None:
        """Wait until Stripe may be called."""
        while self.room() == 0:
            waiting = {asyncio.create_task(circuit.admitted()) for circuit in self._used()}
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()

    async def check(self) -> None:
        """Raise Unhealthy while a breaker is not closed: for a readiness check that is not required."""
        failing = [
            f"{circuit.name} is {circuit.state.name.lower()}"
            for circuit in (self.circuit, *self._of_changes.values())
            if circuit.state is not State.CLOSED
        ]
        if failing:
            raise Unhealthy(", ".join(failing))

    def _used(self) -> list[Circuit]:
        return [circuit for circuit in self._of_changes.values() if circuit.is_in_use] or [self.circuit]

"""What every call of Stripe goes through: a circuit breaker, a limit of calls in flight, and the rate limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from infra.process.health import Unhealthy
from infra.stripe.guard import metrics
from infra.stripe.guard.breaker import Result, State
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.classification import CallClassification, classify, error_type
from infra.stripe.guard.concurrency_limit import ConcurrencyLimit
from infra.stripe.guard.errors import TooManyCalls
from infra.stripe.guard.priority import Priority
from infra.stripe.guard.rate_limit import RateLimit

_RESULTS = {
    CallClassification.SERVED: Result.UP,
    CallClassification.LIMITED: Result.UP,
    CallClassification.LIMITED_HERE: Result.UP,
    CallClassification.DOWN: Result.DOWN,
    CallClassification.UNANSWERED: Result.DOWN,
    CallClassification.NOTHING: Result.NOTHING,
}
# Whether it was answered in time. A failure inside Stripe says nothing about that.
_ANSWERED = {
    CallClassification.SERVED: True,
    CallClassification.LIMITED: True,
    CallClassification.LIMITED_HERE: True,
    CallClassification.UNANSWERED: False,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerReport:
    """How a breaker is, and since when."""

    name: str
    state: State
    since: datetime


class StripeGuard:
    """One for a process, shared by all that call Stripe in it.

        async with guard.call("create_refund", writes=True, priority=Priority.URGENT):
            await client.v1.refunds.create_async(...)

    Put only the call itself into the block: its time counts, and its exceptions are classified. Look in the block at
    what may be over after a long wait (a lease, the age of a key).

    `circuit` is that of reads for a payment. Each kind of change has its own, made when it is first asked for: reads
    that work say nothing of changes that fail, nor one change of another. What is read in the background has one too,
    so that a list that fails holds up no payment. `max_concurrency` calls are in flight at most; fewer after some that
    got no answer.
    """

    def __init__(self, circuit: Circuit, rate: RateLimit | None, *, max_concurrency: int, max_wait_s: float) -> None:
        self.circuit = circuit
        self._of_changes: dict[str, Circuit] = {}
        self._of_background: Circuit | None = None
        self._rate = rate
        self._concurrency = ConcurrencyLimit(max_concurrency)
        self._max_wait_s = max_wait_s

    @asynccontextmanager
    async def call(
        self, endpoint: str | None = None, *, writes: bool = False, priority: Priority = Priority.NORMAL
    ) -> AsyncIterator[None]:
        """Wait until a call may be made, and make it within the block, whose exceptions pass through.

        `endpoint` names what is called, as Stripe limits each by itself. Raises a NotSent before the block is entered:
        CircuitOpen at once, TooManyCalls after `max_wait_s` for a slot and as long again for the rate limit. For their
        part of the rate limit, calls in the background wait before that, however long.
        """
        circuit = self._circuit_of(endpoint or "change") if writes else self._circuit_of_reads(priority)
        circuit.check()  # before the wait, so as to reserve nothing
        if priority is Priority.BACKGROUND and self._rate is not None:
            await self._rate.wait_for_background_budget()
        slot = await self._acquire(priority)
        classification = CallClassification.NOTHING  # as when it is cancelled
        try:
            with metrics.IN_FLIGHT.track_inprogress():
                if self._rate is not None:
                    await self._rate.acquire(endpoint, priority=priority)
                admission = circuit.enter()
                try:
                    yield
                    classification = CallClassification.SERVED
                except Exception as error:
                    classification = classify(error)
                    if (of_type := error_type(error)) is not None:
                        metrics.API_ERRORS.labels(of_type).inc()
                    raise
                finally:
                    circuit.leave(admission, _RESULTS[classification])
                    await self._adapt_rate(classification, endpoint)
        finally:
            self._concurrency.release(slot, answered=_ANSWERED.get(classification))

    def _circuit_of_reads(self, priority: Priority) -> Circuit:
        if priority is not Priority.BACKGROUND:
            return self.circuit
        if self._of_background is None:
            self._of_background = self.circuit.for_kind("background")
        return self._of_background

    def _circuit_of(self, endpoint: str) -> Circuit:
        if endpoint not in self._of_changes:
            self._of_changes[endpoint] = self.circuit.for_kind(endpoint)
        return self._of_changes[endpoint]

    async def _adapt_rate(self, classification: CallClassification, endpoint: str | None) -> None:
        if self._rate is None:
            return
        match classification:
            case CallClassification.SERVED:
                self._rate.succeeded(endpoint)
            case CallClassification.LIMITED_HERE if endpoint is not None:
                self._rate.halve_endpoint_rate(endpoint)
            case CallClassification.LIMITED | CallClassification.LIMITED_HERE:
                await self._rate.halve_rate()
            case _:
                return

    async def _acquire(self, priority: Priority) -> int:
        try:
            async with asyncio.timeout(self._max_wait_s):
                return await self._concurrency.acquire(priority)
        except TimeoutError:
            metrics.THROTTLED.inc()
            raise TooManyCalls(wait_s=self._max_wait_s) from None

    def capacity(self) -> int | None:
        """Return how many calls may be prepared now: None for any number, few while Stripe is probed, 0 while down.

        While one kind of change goes well, changes of a kind that fails are deferred, one by one. Reads count when no
        change was made lately.
        """
        capacities = [circuit.capacity() for circuit in self._used()]
        known = [capacity for capacity in capacities if capacity is not None]
        allowed = max(known) if len(known) == len(capacities) else None
        given = [capacity for capacity in (allowed, self._concurrency.capacity) if capacity is not None]
        return min(given, default=None)

    async def wait_until_open(self) -> None:
        """Wait until Stripe may be called."""
        while self.capacity() == 0:
            waiting = {asyncio.create_task(circuit.wait_until_open()) for circuit in self._used()}
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()

    async def check(self) -> None:
        """Raise Unhealthy while a breaker is not closed: for a readiness check that is not required."""
        failing = [
            f"{each.name} is {each.state.name.lower()}" for each in self.breakers() if each.state is not State.CLOSED
        ]
        if failing:
            raise Unhealthy(", ".join(failing))

    def breakers(self) -> list[BreakerReport]:
        """Return how each breaker is that there is."""
        circuits = [self.circuit, *self._of_changes.values()]
        if self._of_background is not None:
            circuits.append(self._of_background)
        return [BreakerReport(name=each.name, state=each.state, since=each.since) for each in circuits]

    def _used(self) -> list[Circuit]:
        return [circuit for circuit in self._of_changes.values() if circuit.is_in_use] or [self.circuit]

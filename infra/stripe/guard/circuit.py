"""The circuit breaker of a process: the state machine with a clock, metrics, logs, and a way to wait for it."""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from infra.stripe.guard import metrics
from infra.stripe.guard.breaker import Admission, Breaker, Result, Rules, State
from infra.stripe.guard.errors import CircuitOpen

log = structlog.get_logger(__name__)

# A half-open breaker whose probes are all out: when they are likely to be back.
_PROBES_BACK_S = 1.0


class Circuit:
    """One breaker for one kind of call. Each process has its own: they see the same calls fail and need not agree."""

    def __init__(self, name: str, rules: Rules, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._rules = rules
        self._left_at = float("-inf")
        self._breaker = Breaker(rules, uniform=random.SystemRandom().uniform)
        self._clock = clock
        self._shown = State.CLOSED
        self._since = datetime.now(UTC)
        self._changed = asyncio.Event()
        self._refusals = metrics.BREAKER_REFUSALS.labels(name)
        # Asked at each scrape: from open to half-open nothing happens but time.
        metrics.BREAKER_STATE.labels(name).set_function(lambda: float(self.state))

    def for_kind(self, kind: str) -> "Circuit":
        """Return a new one with the same rules for another kind of call."""
        return Circuit(f"{self.name}:{kind}", self._rules, clock=self._clock)

    @property
    def is_in_use(self) -> bool:
        """Whether it knows how its calls fare now: one ended lately, or too many failed and nothing closed it since."""
        return self.state is not State.CLOSED or self._clock() - self._left_at <= self._rules.window_s

    @property
    def state(self) -> State:
        """The state now."""
        state = self._breaker.state(self._clock())
        self._notice(state)
        return state

    @property
    def since(self) -> datetime:
        """When it came to its state; of one that was never open, when it was made."""
        self._notice(self._breaker.state(self._clock()))
        return self._since

    def capacity(self) -> int | None:
        """Return how many calls would be admitted now: None for any number, 0 while it is open."""
        capacity = self._breaker.capacity(self._clock())
        self._notice(self._breaker.state(self._clock()))
        return capacity

    async def wait_until_open(self) -> None:
        """Wait until a call would be admitted. It is not admitted by this: another may come first."""
        while self.capacity() == 0:
            self._changed.clear()
            wait_s = self._breaker.wait_s(self._clock())
            try:
                async with asyncio.timeout(wait_s or None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def check(self) -> None:
        """Raise CircuitOpen when no call would be admitted now."""
        if self.capacity() == 0:
            raise self._refusal()

    def enter(self) -> Admission:
        """Admit one call; `leave` must follow. Raises CircuitOpen."""
        admission = self._breaker.admit(self._clock())
        if admission is None:
            raise self._refusal()
        self._notice(self._breaker.state(self._clock()))
        return admission

    def leave(self, admission: Admission, result: Result) -> None:
        """Take note of how an admitted call ended."""
        self._breaker.record(admission, result, self._clock())
        self._left_at = self._clock()
        self._notice(self._breaker.state(self._clock()))
        self._changed.set()  # those who wait look again: a probe's place may be free

    def _refusal(self) -> CircuitOpen:
        self._refusals.inc()
        return CircuitOpen(self.name, wait_s=self._breaker.wait_s(self._clock()) or _PROBES_BACK_S)

    def _notice(self, state: State) -> None:
        if state is self._shown:
            return
        self._shown, self._since = state, datetime.now(UTC)
        metrics.BREAKER_TRANSITIONS.labels(self.name, state.name.lower()).inc()
        wait_s = round(self._breaker.wait_s(self._clock()), 1)
        level = log.error if state is State.OPEN else log.warning
        level("circuit_breaker_changed", breaker=self.name, state=state.name.lower(), open_for_s=wait_s)

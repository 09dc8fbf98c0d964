"""A circuit breaker as a state machine: what it was told and when decides. No clock, no I/O.

Closed: all calls are made, and the last ones counted. When too many of them found the other side down, or some in a
row, it opens: no call is made for a while, longer each time. Then it is half-open: a few probes are let through. If all
of them find the other side up, it closes; if one does not, it opens again.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum

from infra.backoff import Backoff

_MOST_COUNTED = 1000
_JITTER = (0.75, 1.0)


class State(IntEnum):
    """Of a breaker, with the numbers of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Result(Enum):
    """What a call says of the other side: UP by any answer of its own, DOWN, or NOTHING (cut off, our own fault)."""

    UP = "up"
    DOWN = "down"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """When it opens and for how long.

    It opens when `consecutive` calls in a row found the other side down: an outage is known by the first calls that
    meet it, however many went well before. It opens as well when, of the calls that ended in the last `window_s` (at
    most the last 1000), at least `minimum_calls`, the part `failure_ratio` or more found it down. It stays open for
    `open_s`, and for twice as long each time that it opens again within `window_s` of being closed, at most
    `longest_open_s`; a little less, by chance, so that processes do not probe all at once.
    `probes` must find the other side up, and are made at the same time.
    """

    window_s: float = 30.0
    minimum_calls: int = 10
    failure_ratio: float = 0.5
    consecutive: int = 5
    open_s: float = 2.0
    longest_open_s: float = 60.0
    probes: int = 3


@dataclass(frozen=True, slots=True)
class Admission:
    """The right to make one call. It says in which period of the breaker the call began."""

    period: int


class Breaker:
    """Moments (`now`) are seconds on any clock that does not go back."""

    def __init__(self, rules: Rules, *, uniform: Callable[[float, float], float]) -> None:
        self._rules = rules
        self._uniform = uniform
        self._state = State.CLOSED
        self._period = 0
        self._ended: deque[tuple[float, bool]] = deque()
        self._down = self._in_a_row = 0
        self._openings = 0
        self._opens_until = 0.0
        self._closed_at = float("-inf")
        self._probes_out = self._probes_up = 0

    def state(self, now: float) -> State:
        """Return the state; an open breaker becomes half-open by the passing of time."""
        if self._state is State.OPEN and now >= self._opens_until:
            self._enter(State.HALF_OPEN)
        return self._state

    def capacity(self, now: float) -> int | None:
        """Return how many calls would be admitted now; None for any number."""
        match self.state(now):
            case State.CLOSED:
                return None
            case State.HALF_OPEN:
                return self._rules.probes - self._probes_up - self._probes_out
            case State.OPEN:
                return 0

    def wait_s(self, now: float) -> float:
        """Return how long it will stay open; 0 when it is not open."""
        return self._opens_until - now if self.state(now) is State.OPEN else 0.0

    def admit(self, now: float) -> Admission | None:
        """Admit one call, or None. Whoever gets an admission records the call's result, however it ends."""
        capacity = self.capacity(now)
        if capacity == 0:
            return None
        if capacity is not None:
            self._probes_out += 1
        return Admission(self._period)

    def record(self, admission: Admission, result: Result, now: float) -> None:
        """Take note of a call's end. Calls that began in an earlier period say nothing of this one."""
        if admission.period != self._period:
            return
        if self._state is State.CLOSED:
            self._count(result, now)
            return
        self._probes_out -= 1
        if result is Result.DOWN:
            self._open(now)
        elif result is Result.UP:
            self._probes_up += 1
            if self._probes_up == self._rules.probes:
                self._enter(State.CLOSED)
                self._closed_at = now

    def _count(self, result: Result, now: float) -> None:
        if result is Result.NOTHING:
            return
        self._ended.append((now, result is Result.DOWN))
        self._down += result is Result.DOWN
        self._in_a_row = self._in_a_row + 1 if result is Result.DOWN else 0
        while self._ended[0][0] <= now - self._rules.window_s or len(self._ended) > _MOST_COUNTED:
            self._down -= self._ended.popleft()[1]
        enough = len(self._ended) >= self._rules.minimum_calls
        too_many = enough and self._down >= self._rules.failure_ratio * len(self._ended)
        if too_many or self._in_a_row >= self._rules.consecutive:
            self._open(now)

    def _open(self, now: float) -> None:
        if self._state is State.CLOSED and now - self._closed_at > self._rules.window_s:
            self._openings = 0
        self._openings += 1
        backoff = Backoff(first_s=self._rules.open_s, longest_s=self._rules.longest_open_s)
        self._opens_until = now + backoff.pause_s(self._openings) * self._uniform(*_JITTER)
        self._enter(State.OPEN)

    def _enter(self, state: State) -> None:
        self._state = state
        self._period += 1
        self._ended.clear()
        self._down = self._in_a_row = self._probes_out = self._probes_up = 0

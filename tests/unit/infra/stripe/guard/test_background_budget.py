"""Reads in the background have a quarter of the rate limit at most, payments the rest. Time is virtual."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
import stripe

from infra.stripe.guard.breaker import Rules
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.errors import TooManyCalls
from infra.stripe.guard.guard import StripeGuard
from infra.stripe.guard.priority import Priority
from infra.stripe.guard.rate_limit import RateLimit
from infra.stripe.guard.token_bucket import LocalTokenBucket, Reservation, TokenBucketRules

LIMIT = 100
RULES = TokenBucketRules(limit=LIMIT)
QUARTER = LIMIT / 4
SECONDS = 60
_NO_LIMIT_OF_PLACES = 10_000


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time passes at once when nothing else is to be done."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class Shared:
    """A `SharedTokenBucket` by the loop's clock."""

    def __init__(self) -> None:
        self._bucket = LocalTokenBucket(RULES)

    async def reserve(self, *, successes: int, calls: int = 1) -> Reservation:
        return self._bucket.reserve(now(), successes=successes, calls=calls)

    async def halve_rate(self) -> float:
        return self._bucket.halve_rate(now())


def now() -> float:
    return asyncio.get_running_loop().time()


def guard_of(*, processes: int = 1, limited: bool = True) -> StripeGuard:
    rate = RateLimit(RULES, Shared(), processes=processes, max_wait_s=5, clock=now) if limited else None
    return StripeGuard(
        Circuit("background", Rules(minimum_calls=1000)), rate, max_concurrency=_NO_LIMIT_OF_PLACES, max_wait_s=5
    )


class Made:
    """Counts the calls that were made and the ones that were not, by priority."""

    def __init__(self) -> None:
        self.calls: Counter[Priority] = Counter()
        self.refused: Counter[Priority] = Counter()

    async def offer(self, guard: StripeGuard, priority: Priority, *, callers: int, every_s: float = 0.0) -> None:
        """Call without end, each caller when its last call was made and `every_s` is over."""

        async def call_on() -> None:
            until = now() + SECONDS
            while now() < until:
                try:
                    async with guard.call(priority=priority):
                        if now() < until:
                            self.calls[priority] += 1
                except TooManyCalls:
                    self.refused[priority] += 1
                await asyncio.sleep(every_s)

        await asyncio.gather(*(call_on() for _ in range(callers)))


def in_virtual_time(history: Callable[[Made], Awaitable[None]]) -> Made:
    async def run() -> Made:
        made = Made()
        await history(made)
        return made

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


@pytest.mark.parametrize("processes", [1, 4])
def test_alone_it_gets_a_quarter_and_waits_for_it_without_being_refused(processes: int) -> None:
    async def history(made: Made) -> None:
        # So many that each waits for longer than a call may wait for the rate limit.
        await made.offer(guard_of(processes=processes), Priority.BACKGROUND, callers=300)

    made = in_virtual_time(history)
    assert 0.85 * QUARTER / processes <= made.calls[Priority.BACKGROUND] / SECONDS <= QUARTER / processes
    assert not made.refused


def test_beside_payments_without_end_it_gets_a_quarter_at_most() -> None:
    async def history(made: Made) -> None:
        guard = guard_of()
        await asyncio.gather(
            made.offer(guard, Priority.BACKGROUND, callers=20), made.offer(guard, Priority.NORMAL, callers=64)
        )

    made = in_virtual_time(history)
    assert made.calls[Priority.BACKGROUND] / SECONDS <= QUARTER
    assert made.calls[Priority.NORMAL] / SECONDS >= 0.75 * RULES.highest
    assert made.calls.total() / SECONDS >= 0.97 * RULES.highest
    assert not made.refused[Priority.NORMAL]


def test_where_payments_leave_room_it_gets_its_quarter() -> None:
    async def history(made: Made) -> None:
        guard = guard_of()
        await asyncio.gather(
            made.offer(guard, Priority.BACKGROUND, callers=20),
            made.offer(guard, Priority.NORMAL, callers=50, every_s=1.0),
        )

    made = in_virtual_time(history)
    assert 0.85 * QUARTER <= made.calls[Priority.BACKGROUND] / SECONDS <= QUARTER
    assert made.calls[Priority.NORMAL] / SECONDS >= 45
    assert not made.refused


def test_no_second_has_more_than_a_quarter() -> None:
    times: list[float] = []

    async def history(_: Made) -> None:
        guard = guard_of()
        await asyncio.sleep(30)  # nothing is saved up meanwhile
        until = now() + 10

        async def call_on() -> None:
            while now() < until:
                async with guard.call(priority=Priority.BACKGROUND):
                    times.append(now())

        await asyncio.gather(*(call_on() for _ in range(20)))

    in_virtual_time(history)
    assert max(sum(begin <= each < begin + 1 for each in times) for begin in times) <= QUARTER


def test_it_is_a_quarter_of_the_rate_that_stripe_allows_now() -> None:
    async def history(made: Made) -> None:
        guard = guard_of()
        with pytest.raises(stripe.RateLimitError):
            async with guard.call():
                raise stripe.RateLimitError("slow down", http_status=429)
        await made.offer(guard, Priority.BACKGROUND, callers=5)

    made = in_virtual_time(history)
    # Half at first; a minute of successes would raise it to the whole.
    assert made.calls[Priority.BACKGROUND] / SECONDS <= 0.75 * QUARTER


def test_without_a_limit_nothing_waits() -> None:
    async def history(made: Made) -> None:
        began, guard = now(), guard_of(limited=False)
        for _ in range(1000):
            async with guard.call(priority=Priority.BACKGROUND):
                made.calls[Priority.BACKGROUND] += 1
        assert now() == began

    assert in_virtual_time(history).calls.total() == 1000

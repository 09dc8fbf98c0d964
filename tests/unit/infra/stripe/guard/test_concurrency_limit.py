"""How many calls may be in flight: fewer when they get no answer, more when they do."""

import asyncio

from infra.stripe.guard.concurrency_limit import ConcurrencyLimit

MOST = 64


async def fail_together(slots: ConcurrencyLimit, calls: int) -> None:
    for began in [await slots.acquire() for _ in range(calls)]:
        slots.release(began, answered=False)


async def succeed(slots: ConcurrencyLimit, calls: int) -> None:
    for _ in range(calls):
        slots.release(await slots.acquire(), answered=True)


async def test_calls_that_time_out_together_halve_it_once() -> None:
    slots = ConcurrencyLimit(MOST)
    assert slots.capacity is None
    await fail_together(slots, MOST)
    assert slots.capacity == MOST // 2


async def test_it_falls_to_one_and_no_further() -> None:
    slots = ConcurrencyLimit(MOST)
    for _ in range(10):
        await fail_together(slots, 1)
    assert slots.capacity == 1


async def test_answers_bring_it_back_within_seconds() -> None:
    slots = ConcurrencyLimit(MOST)
    for _ in range(10):
        await fail_together(slots, 1)
    await succeed(slots, 4 * MOST)
    assert slots.capacity is None


async def test_a_call_that_was_cut_off_says_nothing() -> None:
    slots = ConcurrencyLimit(MOST)
    slots.release(await slots.acquire(), answered=None)
    assert slots.capacity is None


async def test_no_more_are_in_flight_than_there_is_room_for() -> None:
    slots, inside, most = ConcurrencyLimit(4), 0, 0
    await fail_together(slots, 4)

    async def call() -> None:
        nonlocal inside, most
        began = await slots.acquire()
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        slots.release(began, answered=None)

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 2


class Overloaded:
    """Answers each call after a time that grows with how many it has to answer."""

    def __init__(self, served_a_second: float, timeout_s: float) -> None:
        self.calls = 0
        self._served_a_second = served_a_second
        self._timeout_s = timeout_s

    async def call(self) -> bool:
        self.calls += 1
        try:
            takes_s = self.calls / self._served_a_second
            await asyncio.sleep(min(takes_s, self._timeout_s))
            return takes_s < self._timeout_s
        finally:
            self.calls -= 1


async def test_what_is_overloaded_is_asked_for_as_much_as_it_answers() -> None:
    """With 64 at once all time out, for ever: 40 are answered in time at the most."""
    slots, stripe, answered = ConcurrencyLimit(MOST), Overloaded(served_a_second=400, timeout_s=0.1), 0

    async def caller(until: float) -> None:
        nonlocal answered
        while asyncio.get_running_loop().time() < until:
            began = await slots.acquire()
            served = await stripe.call()
            answered += served
            slots.release(began, answered=served)

    until = asyncio.get_running_loop().time() + 1.0
    await asyncio.gather(*(caller(until) for _ in range(MOST)))
    assert answered > 100

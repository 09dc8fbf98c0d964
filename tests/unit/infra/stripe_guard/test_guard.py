"""A call through the whole guard."""

import asyncio

import pytest
import stripe

from infra.stripe_guard.breaker import Rules, State
from infra.stripe_guard.circuit import Circuit
from infra.stripe_guard.errors import CircuitOpen, NotSent, TooManyCalls
from infra.stripe_guard.fakes import MemoryBucket
from infra.stripe_guard.guard import StripeGuard
from tests.unit.infra.stripe_guard.limits import limit_over, shared_bucket

RULES = Rules(minimum_calls=2, open_s=60, longest_open_s=60, probes=1)


def guard_over(shared: MemoryBucket | None = None, *, concurrency: int = 10, max_wait_s: float = 0.05) -> StripeGuard:
    rate = None if shared is None else limit_over(shared)
    return StripeGuard(Circuit("guarded", RULES), rate, max_concurrency=concurrency, max_wait_s=max_wait_s)


async def fail(guard: StripeGuard, error: BaseException, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            async with guard.call():
                raise error


async def test_outages_open_it_and_nothing_is_sent_any_more() -> None:
    shared = shared_bucket()
    guard = guard_over(shared)
    await fail(guard, TimeoutError(), times=2)
    asked = shared.asked
    sent = False
    with pytest.raises(CircuitOpen):
        async with guard.call():
            sent = True
    assert not sent
    assert shared.asked == asked  # nor is a turn used up
    assert guard.room() == 0


async def test_declines_refusals_and_our_own_faults_do_not() -> None:
    guard = guard_over()
    await fail(guard, stripe.CardError("declined", None, "card_declined", http_status=402), times=5)
    await fail(guard, stripe.InvalidRequestError("no", "amount", http_status=400), times=5)
    await fail(guard, LookupError("ours"), times=5)
    assert guard.circuit.state is State.CLOSED


async def test_a_429_slows_down_and_every_served_call_counts_for_the_rate() -> None:
    shared = shared_bucket()
    guard = guard_over(shared)
    await fail(guard, stripe.RateLimitError("slow down", http_status=429))
    assert shared.cuts == 1
    await fail(guard, stripe.CardError("declined", None, "card_declined", http_status=402))
    async with guard.call():
        pass
    async with guard.call():
        pass
    assert shared.successes == [0, 0, 1, 1]


async def test_a_call_that_was_cut_off_says_nothing_and_gives_its_place_back() -> None:
    guard = guard_over(concurrency=1)

    async def hang() -> None:
        async with guard.call():
            await asyncio.Event().wait()

    for _ in range(5):
        hanging = asyncio.create_task(hang())
        await asyncio.sleep(0)
        hanging.cancel()
        await asyncio.wait({hanging})
    assert guard.circuit.state is State.CLOSED
    async with guard.call():
        pass


async def test_no_more_calls_are_in_flight_than_allowed() -> None:
    guard = guard_over(concurrency=2, max_wait_s=5)
    in_flight = most = 0

    async def call() -> None:
        nonlocal in_flight, most
        async with guard.call():
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(0)
            in_flight -= 1

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 2


async def test_a_call_that_gets_no_place_in_time_is_put_off_unsent() -> None:
    guard = guard_over(concurrency=1)
    async with guard.call():
        with pytest.raises(TooManyCalls) as refused:
            async with guard.call():
                pass
    assert isinstance(refused.value, NotSent)
    async with guard.call():
        pass


async def test_those_who_waited_for_a_turn_while_it_opened_send_nothing() -> None:
    guard = guard_over(concurrency=1, max_wait_s=5)

    async def time_out() -> None:
        async with guard.call():
            await asyncio.sleep(0)
            raise TimeoutError

    results = await asyncio.gather(*(time_out() for _ in range(6)), return_exceptions=True)
    assert [type(result) for result in results] == [TimeoutError] * 2 + [CircuitOpen] * 4

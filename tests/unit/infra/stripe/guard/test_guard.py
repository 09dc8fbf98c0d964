"""A call through the whole guard."""

import asyncio
from typing import Any

import pytest
import stripe

from infra.process.health import Health, Unhealthy
from infra.stripe.guard.breaker import Rules, State
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.errors import CircuitOpen, NotSent, TooManyCalls
from infra.stripe.guard.fakes import MemoryTokenBucket
from infra.stripe.guard.guard import StripeGuard
from infra.stripe.guard.priority import Priority
from tests.unit.infra.stripe.guard.limits import limit_over, shared_bucket
from tests.unit.infra.stripe.guard.standing_clock import StandingClock

RULES = Rules(minimum_calls=2, open_s=60, longest_open_s=60, probes=1)


def guard_over(
    shared: MemoryTokenBucket | None = None, *, concurrency: int = 10, max_wait_s: float = 0.05
) -> StripeGuard:
    rate = None if shared is None else limit_over(shared)
    return StripeGuard(Circuit("guarded", RULES), rate, max_concurrency=concurrency, max_wait_s=max_wait_s)


async def fail(guard: StripeGuard, error: BaseException, times: int = 1, **kind: Any) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            async with guard.call(**kind):
                raise error


CREATE: dict[str, Any] = {"endpoint": "create_intent", "writes": True}
REFUND: dict[str, Any] = {"endpoint": "create_refund", "writes": True}


async def test_outages_open_it_and_nothing_is_sent_any_more() -> None:
    shared = shared_bucket()
    guard = guard_over(shared)
    await fail(guard, TimeoutError(), times=2)
    requests = shared.requests
    sent = False
    with pytest.raises(CircuitOpen):
        async with guard.call():
            sent = True
    assert not sent
    assert shared.requests == requests  # nor is a turn used up


async def test_changes_that_fail_are_stopped_though_reads_work() -> None:
    guard = guard_over()
    for _ in range(100):
        async with guard.call("retrieve_intent"):
            pass
    await fail(guard, TimeoutError(), times=2, **CREATE)
    with pytest.raises(CircuitOpen):
        async with guard.call(**CREATE):
            pass
    assert guard.capacity() == 0
    async with guard.call("retrieve_intent"):
        pass


async def test_one_kind_of_change_that_fails_stops_no_other() -> None:
    guard = guard_over()
    async with guard.call(**REFUND):
        pass
    await fail(guard, stripe.APIError("no", http_status=500), times=2, **CREATE)
    async with guard.call(**REFUND):
        pass
    assert guard.capacity() is None


async def test_calls_without_an_answer_leave_room_for_fewer() -> None:
    guard = guard_over(concurrency=10)
    async with guard.call(**REFUND):
        pass
    await fail(guard, TimeoutError())
    assert guard.capacity() == 5
    for _ in range(20):
        async with guard.call(**REFUND):
            pass
    assert guard.capacity() is None


async def test_reads_decide_while_no_change_is_made() -> None:
    guard = guard_over()
    await fail(guard, stripe.APIError("no", http_status=500), times=2)
    assert guard.capacity() == 0
    async with guard.call(**REFUND):
        pass
    assert guard.capacity() is None


async def test_lists_that_fail_in_the_background_hold_up_no_payment() -> None:
    guard = guard_over()
    await fail(guard, TimeoutError(), times=2, endpoint="list_events", priority=Priority.BACKGROUND)
    with pytest.raises(CircuitOpen):
        async with guard.call("list_payouts", priority=Priority.BACKGROUND):
            pass
    assert guard.capacity() != 0
    for kind in ({"endpoint": "retrieve_intent"}, CREATE):
        async with guard.call(**kind):
            pass
    with pytest.raises(Unhealthy, match="guarded:background is open"):
        await guard.check()


async def test_what_is_urgent_gets_the_next_place() -> None:
    guard, order = guard_over(concurrency=1, max_wait_s=5), []

    async def call(name: str, priority: Priority) -> None:
        async with guard.call(priority=priority):
            order.append(name)

    async with guard.call():
        waiting = [
            asyncio.create_task(call(name, priority))
            for name, priority in (
                ("list", Priority.BACKGROUND),
                ("refresh", Priority.NORMAL),
                ("refund", Priority.URGENT),
            )
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == ["refund", "refresh", "list"]


async def test_who_waits_for_changes_is_let_on_when_probes_may_go() -> None:
    rules = Rules(minimum_calls=2, open_s=0.01, longest_open_s=0.01, probes=1)
    clock = StandingClock()
    guard = StripeGuard(Circuit("probed", rules, clock=clock), None, max_concurrency=10, max_wait_s=5)
    await fail(guard, TimeoutError(), times=2, **CREATE)
    assert guard.capacity() == 0
    clock.let_go()
    async with asyncio.timeout(5):
        await guard.wait_until_open()
    assert guard.capacity() == 1


async def test_an_open_breaker_shows_in_the_health_as_degraded() -> None:
    guard, health = guard_over(), Health()
    health.add_readiness("stripe", guard.check, required=False)
    assert (await health.ready()).status == "ok"
    await fail(guard, TimeoutError(), times=2, **CREATE)
    report = await health.ready()
    assert report.status == "degraded"
    assert report.http_status == 200
    assert report.checks == {"stripe": "guarded:create_intent is open"}


async def test_a_429_of_one_endpoint_slows_no_other() -> None:
    shared = shared_bucket()
    guard = guard_over(shared)
    limited = stripe.RateLimitError(
        "slow down", http_status=429, headers={"Stripe-Rate-Limited-Reason": "endpoint-rate"}
    )
    await fail(guard, limited, **CREATE)
    assert shared.halvings == 0


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
    assert shared.halvings == 1
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


async def test_a_call_that_gets_no_place_in_time_is_deferred_unsent() -> None:
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

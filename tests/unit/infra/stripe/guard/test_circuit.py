"""The breaker with a clock, waiting and metrics."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from infra.stripe.guard.breaker import Result, Rules, State
from infra.stripe.guard.circuit import Circuit
from infra.stripe.guard.errors import CircuitOpen
from tests.unit.infra.stripe.guard.standing_clock import StandingClock

RULES = Rules(minimum_calls=3, open_s=0.1, probes=2)


def end(circuit: Circuit, result: Result, times: int = 1) -> None:
    for _ in range(times):
        circuit.leave(circuit.enter(), result)


def value(metric: str, /, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0.0


async def test_those_who_wait_go_on_when_it_is_time_to_probe() -> None:
    clock = StandingClock()
    circuit = Circuit("waiting", RULES, clock=clock)
    await circuit.wait_until_open()
    end(circuit, Result.DOWN, times=3)
    assert circuit.capacity() == 0
    started = asyncio.get_running_loop().time()
    clock.let_go()
    async with asyncio.timeout(5):
        await asyncio.gather(circuit.wait_until_open(), circuit.wait_until_open())
    assert asyncio.get_running_loop().time() - started >= 0.07
    assert circuit.capacity() == 2


async def test_while_all_probes_are_out_others_wait_for_their_end() -> None:
    circuit = Circuit("probing", RULES)
    end(circuit, Result.DOWN, times=3)
    async with asyncio.timeout(5):
        await circuit.wait_until_open()
    probes = [circuit.enter(), circuit.enter()]
    waiting = asyncio.create_task(circuit.wait_until_open())
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpen) as refused:
        circuit.enter()
    assert refused.value.wait_s == 1
    circuit.leave(probes[0], Result.UP)
    await asyncio.sleep(0)
    assert not waiting.done()
    circuit.leave(probes[1], Result.UP)
    async with asyncio.timeout(5):
        await waiting
    assert circuit.state is State.CLOSED
    assert circuit.capacity() is None


async def test_an_open_one_refuses_and_says_for_how_long() -> None:
    now = 0.0
    circuit = Circuit("refusing", RULES, clock=lambda: now)
    circuit.check()
    end(circuit, Result.DOWN, times=3)
    with pytest.raises(CircuitOpen) as refused:
        circuit.enter()
    assert 0.07 <= refused.value.wait_s <= 0.1
    with pytest.raises(CircuitOpen):
        circuit.check()
    assert value("circuit_breaker_refusals_total", name="refusing") == 2


async def test_prometheus_sees_the_state_and_each_change() -> None:
    now = 0.0
    circuit = Circuit("shown", RULES, clock=lambda: now)
    assert value("circuit_breaker_state", name="shown") == 0
    end(circuit, Result.DOWN, times=3)
    assert value("circuit_breaker_state", name="shown") == 2
    now = 1.0
    assert value("circuit_breaker_state", name="shown") == 1
    end(circuit, Result.UP, times=2)
    assert value("circuit_breaker_state", name="shown") == 0
    changes = [
        value("circuit_breaker_transitions_total", name="shown", to=to) for to in ("open", "half_open", "closed")
    ]
    assert changes == [1, 1, 1]


async def test_it_says_since_when_it_is_open() -> None:
    clock = StandingClock()
    circuit = Circuit("since", RULES, clock=clock)
    made = circuit.since
    end(circuit, Result.DOWN, times=2)
    assert circuit.since == made
    end(circuit, Result.DOWN)
    opened = circuit.since
    assert opened > made
    assert circuit.since == opened
    clock.let_go()
    async with asyncio.timeout(5):
        await circuit.wait_until_open()
    assert circuit.since > opened, "half-open is another state"

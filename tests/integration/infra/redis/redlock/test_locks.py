"""Locks over real servers, some of which are dead, frozen or empty."""

import asyncio
from time import monotonic

import pytest
from prometheus_client import REGISTRY

from infra.redis.redlock import LeaseLost, NotAcquired, Redlock
from tests.integration.infra.redis.redlock.valkeys import Connect, Valkeys
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TTL_MS = 2_000
OUTLIVED_S = 1.2 * TTL_MS / 1000  # after it a key that nobody extended is gone: the servers' clocks are real


async def held_by_another(redlock: Redlock, name: str = "busy") -> bool:
    """Whether the lock cannot be taken because somebody has it. At first a busy machine may answer too late to tell."""

    async def is_held() -> bool | None:
        try:
            async with redlock.lock(name, TTL_MS):
                return False
        except NotAcquired as refusal:
            return None if refusal.servers_away else True

    answer = await eventually(is_held, lambda held: held is not None, within=5)
    assert answer is not None
    return answer


async def test_one_holds_it_everywhere_and_gives_it_back_everywhere(valkeys: Valkeys, connect: Connect) -> None:
    one, other = await connect(), await connect()
    started = monotonic()
    async with one.lock("busy", TTL_MS) as lease:
        longest = 0.99 * TTL_MS / 1000 - 0.002  # what the clocks may differ by is taken off
        assert longest - 0.001 - (monotonic() - started) < lease.valid_for_s < longest
        tokens = await valkeys.holders("busy")
        assert len(set(tokens)) == 1
        assert tokens[0] is not None
        assert await held_by_another(other)
        async with other.lock("another", TTL_MS):
            pass
    assert await valkeys.holders("busy") == [None] * 5
    assert not await held_by_another(other)
    assert lease.valid_for_s == 0
    assert not lease.lost.is_set()


async def test_those_who_wait_get_it_when_it_is_given_back(connect: Connect) -> None:
    one, other = await connect(), await connect()
    order = []

    async def wait_for_it() -> None:
        async with other.lock("busy", TTL_MS, wait_s=10):
            order.append("other")

    async with one.lock("busy", TTL_MS):
        waiting = asyncio.create_task(wait_for_it())
        with pytest.raises(NotAcquired) as refused:
            async with other.lock("busy", TTL_MS, wait_s=0.3):
                pass
        assert not refused.value.servers_away
        order.append("one")
    await waiting
    assert order == ["one", "other"]


@pytest.mark.parametrize("dead", [(), (0,), (1, 4)])
async def test_a_majority_is_enough(valkeys: Valkeys, connect: Connect, dead: tuple[int, ...]) -> None:
    one, other = await connect(), await connect()
    valkeys.kill(*dead)
    async with one.lock("busy", TTL_MS):
        assert await held_by_another(other)
    assert not await held_by_another(other)


async def test_less_than_a_majority_is_not(valkeys: Valkeys, connect: Connect) -> None:
    redlock = await connect()
    valkeys.kill(0, 2, 4)
    with pytest.raises(NotAcquired) as refused:
        async with redlock.lock("busy", TTL_MS):
            pass
    assert refused.value.servers_away
    await valkeys.repair()
    assert not await held_by_another(redlock)


async def test_a_lease_outlives_the_death_of_two_servers_and_not_of_three(valkeys: Valkeys, connect: Connect) -> None:
    redlock = await connect()
    async with redlock.lock("busy", TTL_MS) as lease:
        valkeys.kill(0, 1)
        await asyncio.sleep(OUTLIVED_S)
        lease.check()
        valkeys.kill(2)
        async with asyncio.timeout(TTL_MS / 1000):
            await lease.lost.wait()
        with pytest.raises(LeaseLost):
            lease.check()
        assert lease.valid_for_s == 0


async def test_frozen_servers_cost_their_time_out_and_no_more(valkeys: Valkeys, connect: Connect) -> None:
    redlock = await connect(timeout_ms=200)
    valkeys.freeze(1, 3)
    started = monotonic()
    async with redlock.lock("busy", TTL_MS) as lease:
        assert 0.19 < monotonic() - started < 1
        # The time that it took to ask is not believed.
        assert lease.valid_for_s < TTL_MS / 1000 - 0.19
        await asyncio.sleep(OUTLIVED_S)
        lease.check()
    valkeys.thaw(1, 3)
    # What they were asked meanwhile may come late, and then lives for one TTL at most.
    await eventually(lambda: _free(redlock), within=10)


async def _free(redlock: Redlock) -> bool:
    return not await held_by_another(redlock)


async def test_three_frozen_servers_are_a_lost_majority(valkeys: Valkeys, connect: Connect) -> None:
    redlock = await connect()
    valkeys.freeze(0, 1, 2)
    with pytest.raises(NotAcquired) as refused:
        async with redlock.lock("busy", TTL_MS):
            pass
    assert refused.value.servers_away


async def test_only_the_holder_releases_it(valkeys: Valkeys, connect: Connect) -> None:
    one, other = await connect(), await connect()
    async with one.lock("busy", TTL_MS, extend=False) as old:
        async with asyncio.timeout(2):
            await old.lost.wait()
        async with other.lock("busy", TTL_MS, wait_s=2) as new:
            held = await valkeys.holders("busy")
            await old.give_back()
            assert await valkeys.holders("busy") == held
            assert not await old.extend()
            new.check()


async def test_it_is_extended_as_long_as_it_is_held(connect: Connect) -> None:
    one, other = await connect(timeout_ms=100), await connect()
    before = REGISTRY.get_sample_value("redlock_extensions_total", {"lock": "busy", "result": "extended"}) or 0
    async with one.lock("busy", TTL_MS, wait_s=2) as lease:
        end = monotonic() + 4 * TTL_MS / 1000
        while monotonic() < end:
            assert await held_by_another(other)
            lease.check()
    after = REGISTRY.get_sample_value("redlock_extensions_total", {"lock": "busy", "result": "extended"}) or 0
    assert 8 <= after - before <= 20


async def test_a_holder_notices_its_end_before_another_can_have_the_lock(connect: Connect) -> None:
    one, other = await connect(), await connect()
    async with one.lock("busy", TTL_MS, extend=False) as lease:
        taken = asyncio.create_task(_take(other))
        await lease.lost.wait()
        assert not taken.done()
        with pytest.raises(LeaseLost):
            lease.check()
        async with asyncio.timeout(2):
            await taken


async def _take(redlock: Redlock) -> None:
    async with redlock.lock("busy", TTL_MS, wait_s=5):
        pass


async def test_a_holder_that_was_paused_learns_from_the_clock_that_it_is_over(connect: Connect) -> None:
    redlock = await connect()
    async with redlock.lock("busy", TTL_MS) as lease:
        _pause(TTL_MS / 1000)
        assert not lease.lost.is_set()
        with pytest.raises(LeaseLost):
            lease.check()
        assert lease.lost.is_set()


def _pause(seconds: float) -> None:
    """Do nothing in a way that lets no other task run, as a stopped process does."""
    end = monotonic() + seconds
    while monotonic() < end:
        pass


async def test_a_server_that_was_restarted_empty_gets_the_key_again(valkeys: Valkeys, connect: Connect) -> None:
    redlock = await connect()
    async with redlock.lock("busy", TTL_MS) as lease:
        held = await valkeys.holders("busy")
        for number in range(5):  # in the end none of them is as it was
            await valkeys.restart_empty(number)
            await eventually(lambda: _are(valkeys, held), within=2)
        lease.check()


async def _are(valkeys: Valkeys, held: list[bytes | None]) -> bool:
    return await valkeys.holders("busy") == held


async def test_a_holder_whose_key_is_gone_everywhere_has_lost_it_at_once(valkeys: Valkeys, connect: Connect) -> None:
    redlock = await connect()
    async with redlock.lock("busy", 3_000) as lease:
        await asyncio.gather(*(server.flush() for server in valkeys.servers))
        async with asyncio.timeout(1.5):
            await lease.lost.wait()
        await eventually(lambda: _are(valkeys, [None] * 5), within=2)


async def test_restarted_servers_do_not_give_away_what_they_forgot(valkeys: Valkeys, connect: Connect) -> None:
    one, other, careless = await connect(guard=True), await connect(guard=True), await connect(guard=False)
    # It waits until the servers are trusted: 1 s of TTL and 2 s after they, or three of them, were started.
    async with one.lock("busy", TTL_MS, wait_s=10, extend=False) as lease:
        await valkeys.restart_empty(0, 1, 2)
        with pytest.raises(NotAcquired) as refused:
            async with other.lock("busy", TTL_MS):
                pass
        assert refused.value.servers_away
        async with careless.lock("busy", TTL_MS):
            lease.check()  # two holders: this is what the guard is against
    async with other.lock("busy", TTL_MS, wait_s=10):
        pass


async def test_a_single_server_is_enough(valkeys: Valkeys, connect: Connect) -> None:
    one, other = await connect(valkeys.urls[0]), await connect(valkeys.urls[0])
    async with one.lock("busy", TTL_MS) as lease:
        assert await held_by_another(other)
        await valkeys.restart_empty(0)
        async with asyncio.timeout(TTL_MS / 1000):
            await lease.lost.wait()
    assert not await held_by_another(other)


async def test_a_lock_that_was_asked_for_by_a_canceled_task_is_free(connect: Connect) -> None:
    one, other = await connect(), await connect()
    for step in range(40):
        asking = asyncio.create_task(_take(one))
        await asyncio.sleep(step * 0.0002)  # each time at a later step of the asking
        asking.cancel()
        await asyncio.wait({asking})
        assert not await held_by_another(other)


async def test_a_ttl_that_slow_servers_would_use_up_is_refused(connect: Connect) -> None:
    redlock = await connect(timeout_ms=100)
    with pytest.raises(ValueError, match="too short"):
        async with redlock.lock("busy", 499):
            pass


async def test_of_fifty_contenders_never_two_hold_it(valkeys: Valkeys, connect: Connect) -> None:
    """Two of the five servers die and come back empty meanwhile, and a third one freezes."""
    redlocks = [await connect(guard=True) for _ in range(10)]
    holders = most = rounds = 0

    async def contend(redlock: Redlock) -> None:
        nonlocal holders, most, rounds
        async with redlock.lock("busy", 2_000, wait_s=60) as lease:
            holders += 1
            most = max(most, holders)
            await asyncio.sleep(0.005)  # the work, in which a second holder would be seen
            lease.check()
            holders -= 1
            rounds += 1

    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(contend(redlocks[number % 10]))
        await eventually(lambda: _reached(lambda: rounds, 10), within=30)
        valkeys.kill(0)
        await eventually(lambda: _reached(lambda: rounds, 20), within=30)
        valkeys.freeze(1)
        await eventually(lambda: _reached(lambda: rounds, 30), within=30)
        valkeys.thaw(1)
        await valkeys.servers[0].restart()
    assert (most, rounds, holders) == (1, 50, 0)


async def _reached(rounds: object, least: int) -> bool:
    assert callable(rounds)
    return bool(rounds() >= least)

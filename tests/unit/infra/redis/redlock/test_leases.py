"""Acquiring and extending, with servers whose every answer and delay is chosen."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from infra.redis.redlock import LeaseLost, NotAcquired, Redlock
from infra.redis.redlock.fakes import ManualClock, MemoryServer
from infra.redis.redlock.servers import Vote

G, T, M, Y, A = Vote.GRANTED, Vote.TAKEN, Vote.MISSING, Vote.YOUNG, Vote.AWAY
TTL_MS = 10_000


def servers_that_say(*votes: Sequence[Vote], clock: ManualClock | None = None) -> list[MemoryServer]:
    clock = clock or ManualClock()
    return [MemoryServer(clock=clock, votes=list(each)) for each in votes]


def redlock_over(servers: Sequence[MemoryServer]) -> Redlock:
    return Redlock(servers, clock=servers[0].clock, retry_s=(0, 0))


@pytest.mark.parametrize("votes", [[G], [G, G], [G, G, T], [A, G, G], [G, Y, G, A, G], [G, G, G, G, T]])
async def test_a_majority_of_votes_is_the_lock(votes: list[Vote]) -> None:
    servers = servers_that_say(*([vote] for vote in votes))
    async with redlock_over(servers).lock("busy", TTL_MS) as lease:
        assert lease.valid_for_s == pytest.approx(10 - 0.102)
    assert all(server.holder("busy") is None for server in servers)


@pytest.mark.parametrize(
    ("votes", "servers_away"),
    [
        ([T], False),
        ([A], True),
        ([G, T], False),
        ([G, T, T], False),
        ([G, T, A], False),
        ([G, A, A], True),
        ([G, Y, Y], True),
        ([G, G, A, A, T], False),
        ([G, G, A, Y, A], True),
    ],
)
async def test_without_a_majority_nothing_is_kept(votes: list[Vote], servers_away: bool) -> None:
    servers = servers_that_say(*([vote] for vote in votes))
    with pytest.raises(NotAcquired) as refused:
        async with redlock_over(servers).lock("busy", TTL_MS):
            pass
    assert refused.value.servers_away == servers_away
    assert all(server.holder("busy") is None for server in servers)


@pytest.mark.parametrize(("vote", "level"), [(Y, "info"), (A, "warning")])
async def test_a_server_that_was_just_started_is_no_warning(vote: Vote, level: str) -> None:
    with capture_logs() as logged, pytest.raises(NotAcquired):
        async with redlock_over(servers_that_say([vote])).lock("busy", TTL_MS):
            pass
    assert [(each["event"], each["log_level"]) for each in logged] == [("redlock_servers_away", level)]


async def test_votes_that_come_too_late_are_none() -> None:
    servers = servers_that_say([], [], [])
    servers[1].latency_s = 9.9
    with pytest.raises(NotAcquired) as refused:
        async with redlock_over(servers).lock("busy", TTL_MS):
            pass
    assert not refused.value.servers_away
    assert all(not server.keys for server in servers)


async def test_servers_are_asked_for_an_uptime_only_when_guarded() -> None:
    [server] = servers_that_say([])
    async with redlock_over([server]).lock("busy", TTL_MS):
        assert server.requested_uptime_s == 12
    async with Redlock([server], clock=server.clock, restart_guard=False).lock("busy", TTL_MS):
        assert server.requested_uptime_s == 0


@pytest.mark.parametrize(
    ("answers", "extended", "lost"),
    [
        ([G, G, G], True, False),
        ([G, G, A], True, False),
        ([G, M, G], True, False),
        ([G, A, A], False, False),
        ([A, A, A], False, False),
        ([G, M, A], False, False),
        ([G, T, M], False, True),
        ([M, M, G], False, True),
        ([T, T, T], False, True),
    ],
)
async def test_an_extension_needs_a_majority_that_still_had_it(answers: list[Vote], extended: bool, lost: bool) -> None:
    clock = ManualClock()
    servers = servers_that_say(*([G, answer] for answer in answers), clock=clock)
    async with redlock_over(servers).lock("busy", TTL_MS) as lease:
        clock.now += 5
        assert await lease.extend() == extended
        assert lease.lost.is_set() == lost
        expected = 0.0 if lost else 9.898 if extended else 4.898
        assert lease.valid_for_s == pytest.approx(expected)


async def test_an_extension_that_is_answered_too_late_is_a_loss() -> None:
    clock = ManualClock()
    servers = servers_that_say([], [], [], clock=clock)
    async with redlock_over(servers).lock("busy", TTL_MS) as lease:
        servers[0].latency_s = 9.95
        assert not await lease.extend()
        assert lease.lost.is_set()


async def test_a_lease_that_is_over_is_not_extended_though_nobody_took_it() -> None:
    clock = ManualClock()
    servers = servers_that_say([], [], [], clock=clock)
    async with redlock_over(servers).lock("busy", TTL_MS) as lease:
        clock.now += 9.9
        assert not await lease.extend()
        assert lease.lost.is_set()
        with pytest.raises(LeaseLost):
            lease.check()


async def test_a_server_that_forgot_it_counts_again_from_the_next_time_on() -> None:
    clock = ManualClock()
    servers = servers_that_say([], [], [], clock=clock)
    async with redlock_over(servers).lock("busy", TTL_MS) as lease:
        servers[0].keys.clear()
        assert await lease.extend()
        servers[1].keys.clear()
        assert await lease.extend()
        servers[2].keys.clear()
        assert await lease.extend()


async def test_the_keeper_notices_the_end_though_the_servers_hang() -> None:
    class Hanging(MemoryServer):
        async def extend(self, name: str, token: str, *, ttl_ms: int) -> Vote:
            await answered.wait()
            return await super().extend(name, token, ttl_ms=ttl_ms)

    answered = asyncio.Event()
    loop_time = asyncio.get_running_loop().time
    redlock = Redlock([Hanging(clock=ManualClock())], clock=loop_time)
    try:
        async with redlock.lock("busy", 200) as lease, asyncio.timeout(2):
            await lease.lost.wait()
            answered.set()
    finally:
        answered.set()


async def test_no_servers_are_no_locks() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Redlock([])

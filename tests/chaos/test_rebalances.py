"""Members of consumer groups come, go, die and freeze while events flow: every event takes effect once, in order."""

import asyncio
import operator
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg
import pytest
from aiokafka import TopicPartition

from event_store.store import Connection
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.process import Process, ProcessSpec
from infra.postgres.pool import create_pool
from infra.settings.kafka import KafkaSettings
from projections.registry import PROJECTIONS
from projections.runner import topics_of
from projections.verify import differences
from schemas.topics import PAYMENT
from tests.integration.infra.kafka.consumer.group_members import Member, effects_member, environment, projector_member
from tests.integration.infra.kafka.consumer.noting_consumer import Effects
from tests.support.database import Database
from tests.support.kafka import fresh_topics, transactional_settings
from tests.support.payment_load import chaos_seed
from tests.support.steady_appends import append_steadily
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.apache_kafka, pytest.mark.timeout(400)]

PARTITIONS = 6
EVENTS_PER_S = 200
SESSION_MS = 6000
FROZEN_S = SESSION_MS / 1000 + 2
ROUNDS = 2  # how often each of these befalls a group
MOVES = ("join", "leave", "kill", "freeze")

_VERIFIER = """
WITH applied AS (
    SELECT stream_id, position, lag(position) OVER (PARTITION BY stream_id ORDER BY written_at) AS before
    FROM consumers.effects JOIN event_store.events USING (position)
)
SELECT (SELECT count(*) FROM event_store.events) AS events,
       (SELECT count(*) - count(DISTINCT position) FROM consumers.effects) AS duplicates,
       (SELECT count(*) FROM event_store.events WHERE position NOT IN (SELECT position FROM consumers.effects))
           AS missing,
       (SELECT count(*) FROM applied WHERE before > position) AS inversions
"""


@dataclass(kw_only=True)
class Group:
    """A consumer group and what befalls it. Each member is a new process with a new name."""

    make: Callable[[int], Member]
    topics: Sequence[str]
    chance: random.Random
    members: list[Member] = field(default_factory=list)
    thawing: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def awake(self) -> list[Member]:
        return [member for member in self.members if member.running and not member.paused]

    async def befall(self, move: str) -> None:
        if move == "join":
            await self.join()
            return
        victim = self.chance.choice(await self._at_work() or self.awake or [await self.join()])
        if move == "leave":
            await victim.stop()
        elif move == "kill":
            victim.kill()
        else:
            victim.pause()
            self.thawing.append(asyncio.create_task(self._thaw(victim)))

    async def join(self) -> Member:
        self.members.append(self.make(len(self.members)))
        await self.members[-1].start()
        return self.members[-1]

    async def _at_work(self) -> list[Member]:
        return [member for member in self.awake if await member.lags()]

    async def owned(self) -> dict[TopicPartition, list[int]]:
        """Return the lags of each partition, one for each member that thinks it owns it."""
        found: dict[TopicPartition, list[int]] = {}
        for member in self.awake:
            for partition, lag in (await member.lags()).items():
                found.setdefault(partition, []).append(lag)
        return found

    @property
    def finished(self) -> dict[TopicPartition, list[int]]:
        """What `owned` returns when each partition has one owner, who has read it all."""
        return {TopicPartition(topic, number): [0] for topic in self.topics for number in range(PARTITIONS)}

    async def _thaw(self, victim: Member) -> None:
        await asyncio.sleep(FROZEN_S)  # beyond its session, which the broker measures
        victim.resume()

    async def end(self) -> None:
        for task in self.thawing:
            task.cancel()
        for member in self.members:
            member.kill()


@asynccontextmanager
async def a_relay(home: Home, settings: KafkaSettings, database: Database) -> AsyncIterator[Process]:
    spec = ProcessSpec(name="relay", label="Relay", arguments=("-m", "infra.cli", "relay"))
    relay = Process(spec, home, port=free_port(), settings=environment(settings, database.url("relay")))
    await relay.start()
    try:
        await relay.wait_ready()
        yield relay
    finally:
        await relay.stop()


async def verification(verify: Connection) -> tuple[int, int, int, int]:
    """Return the counts: events, duplicates, missing, inversions."""
    row: tuple[int, int, int, int] | None = await (await verify.execute(_VERIFIER)).fetchone()
    assert row is not None
    return row


async def test_rebalances_amid_the_work_lose_repeat_and_reorder_nothing(
    apache_cluster: KafkaCluster, database: Database, app: Connection, tmp_path: Path
) -> None:
    seed = chaos_seed()
    chance = random.Random(seed)
    settings = transactional_settings(
        apache_cluster.address, kafka_topic_partitions=PARTITIONS, kafka_session_timeout_ms=SESSION_MS
    )
    await fresh_topics(settings)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        effects = Effects(await stack.enter_async_context(create_pool(database.url("app"), size=2, name="observer")))
        await effects.prepare(database.url("owner"))
        verify = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True)
        )
        home = stack.enter_context(Home(tmp_path / "members"))
        await stack.enter_async_context(a_relay(home, settings, database))
        groups = (
            Group(
                make=lambda number: effects_member(f"member-{number}", home, settings, database, PAYMENT),
                topics=[PAYMENT],
                chance=chance,
            ),
            Group(
                make=lambda number: projector_member(f"projector-{number}", home, settings, database),
                topics=topics_of(PROJECTIONS),
                chance=chance,
            ),
        )
        for group in groups:
            stack.push_async_callback(group.end)
            await group.join()
            await group.join()
        appending = asyncio.create_task(append_steadily(app, stop, per_second=EVENTS_PER_S, seed=seed))
        stack.callback(appending.cancel)
        await eventually(effects.positions)

        moves = [(group, move) for group in groups for move in MOVES for _ in range(ROUNDS)]
        chance.shuffle(moves)
        for group, move in moves:
            await group.befall(move)
            await asyncio.sleep(chance.random() * 2)  # at random: into what a move falls is what varies
        for group in groups:
            await asyncio.gather(*group.thawing)
            while len(group.awake) < 2:
                await group.join()
        stop.set()
        count = await appending
        stopped_at = time.monotonic()
        for group in groups:
            await eventually(group.owned, partial(operator.eq, group.finished), within=60)
        finished_s = time.monotonic() - stopped_at
        # A lag is half a second old, and knows nothing of what the relay has not published yet.
        await eventually(lambda: differences(verify, verify), lambda found: not found, within=60)
        row = await eventually(
            lambda: verification(verify), lambda found: found[0] == count and found[2] == 0, within=60
        )
        seen = [sum(member.times_said('"consumer_assigned"') for member in group.members) for group in groups]
        sys.stdout.write(
            f"{len(moves)} moves, {sum(len(group.members) for group in groups)} members, assignments {seen}, "
            f"settled {finished_s:.1f} s after the last event\n"
            f"events {row[0]}, duplicates {row[1]}, missing {row[2]}, inversions {row[3]}\n"
        )
        assert row == (count, 0, 0, 0)

"""Only one relay has a partition: by locks in PostgreSQL, which a silent relay loses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from event_store.relay.partition_claim import CannotTakeOver, PartitionClaim
from event_store.relay.shard import Shard
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ALL = Shard(index=0, count=1)
EVEN, ODD = Shard(index=0, count=2), Shard(index=1, count=2)
PARTITIONS = 4


@asynccontextmanager
async def claiming(
    database: Database, shard: Shard, *, takeover_after_s: float | None = None, role: str = "relay"
) -> AsyncIterator[PartitionClaim]:
    async with await psycopg.AsyncConnection.connect(database.url(role), autocommit=True) as connection:
        yield PartitionClaim(connection, shard, PARTITIONS, takeover_after_s=takeover_after_s)


def nothing() -> None:
    pass


async def test_one_relay_has_a_shard_until_its_connection_ends(database: Database) -> None:
    async with claiming(database, ALL) as second:
        async with claiming(database, ALL) as first:
            assert await first.take()
            assert not await second.take()
        await eventually(second.take)


async def test_layouts_that_share_a_partition_exclude_each_other(database: Database) -> None:
    async with claiming(database, EVEN) as even, claiming(database, ODD) as odd, claiming(database, ALL) as both:
        assert await even.take()
        assert not await both.take()
        assert await odd.take(), "what the other could not have it has given back"
        assert not await both.take()


async def test_one_that_stands_by_takes_over_from_a_silent_holder(database: Database) -> None:
    async with claiming(database, ALL) as silent, claiming(database, EVEN, takeover_after_s=0.3) as successor:
        assert await silent.take()
        await silent.heartbeat(7)
        assert await asyncio.wait_for(successor.wait(asyncio.Event(), nothing), 10)
        assert not await silent.is_held()
        assert await successor.overlapping_shards() == {ALL}


@pytest.mark.slow
async def test_nobody_takes_over_from_a_holder_that_is_heard_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_store.relay.partition_claim._HEARTBEAT_EVERY_S", 0.2)
    stop = asyncio.Event()
    async with claiming(database, ALL) as holder, claiming(database, ALL, takeover_after_s=1.2) as other:
        assert await holder.take()
        keeping = asyncio.create_task(holder.keep(lambda: 7))
        waiting = asyncio.create_task(other.wait(stop, nothing))
        # Twice the silence after which it would take over, as PostgreSQL's clock measures it.
        await asyncio.wait({waiting, keeping}, timeout=2.4)
        assert not waiting.done()
        assert not keeping.done()
        stop.set()
        assert not await waiting
        keeping.cancel()
        await asyncio.wait({keeping})
        assert await holder.is_held()


async def test_without_transactions_it_waits_for_a_silent_holder(database: Database) -> None:
    stop, looks = asyncio.Event(), 0

    def alive() -> None:
        nonlocal looks
        looks += 1

    async def looked() -> int:
        return looks

    async with claiming(database, ALL) as silent, claiming(database, ALL) as other:
        assert await silent.take()
        waiting = asyncio.create_task(other.wait(stop, alive))
        await eventually(looked, lambda count: count > 5)
        assert not waiting.done()
        stop.set()
        assert not await waiting
        assert await silent.is_held()


async def test_a_holder_of_another_role_that_cannot_be_ended_is_said_so(database: Database) -> None:
    async with claiming(database, ALL, role="owner") as silent, claiming(database, ALL, takeover_after_s=0.2) as other:
        assert await silent.take()
        with pytest.raises(CannotTakeOver, match="another role"):
            await asyncio.wait_for(other.wait(asyncio.Event(), nothing), 10)

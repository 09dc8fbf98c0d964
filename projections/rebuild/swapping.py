"""Swaps the tables of a build with the live ones, in one short transaction.

In it the live projection's checkpoints are locked first, so that the projector waits; the build takes what it still
lacks; then both change their places, and the projector goes on where the rebuilt tables stand. Queries wait for the
last moment only: who waits for a lock gives up soon and tries again, so that nobody queues up behind.
"""

import asyncio
import random
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from aiokafka import TopicPartition
from psycopg import sql

from infra.kafka.consumer.checkpoints import create_checkpoints
from infra.postgres.pool import Connection
from projections.rebuild import builds
from projections.rebuild.builds import Build, BuildProgress, Place
from projections.rebuild.comparing import Comparison, compare_rows
from projections.rebuild.errors import RowsDiffer, SwapBlocked
from projections.rebuild.tables import (
    SQL,
    close_tables,
    execute_all,
    live_tables,
    name_in_full,
    refuse_changed,
    refuse_immovable,
)
from projections.rebuild.targets import SQL as TARGETS
from projections.rebuild.targets import Targets, targets
from projections.rebuild.work import Work
from projections.runner import CHECKPOINT_PREFIX, CONSUMER
from projections.scratch import LIVE, TABLES

_LOCK_TIMEOUTS_MS: Final = (50, 100, 100, 200, 200, 400, 400, 800, 800, 1500, 1500, 2500)
"""Of each attempt. The last ones are longer than the deadlock_timeout after which autovacuum gives way (1 s)."""
_QUICK_S: Final = 0.3
"""What was compared in this time is compared once more while the projector waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Swapped:
    """What a swap took."""

    position: int
    attempts: int
    locked_ms: float
    """How long the projector waited for this projection; queries less."""
    compared_again: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapOrder:
    """Who wants it; forced: also with rows that differ, for a reason."""

    actor: str
    forced: bool = False
    reason: str | None = None


async def swap(work: Work, *, order: SwapOrder, comparison: Comparison) -> Swapped:
    """Make the build live. Raises RowsDiffer or SwapBlocked, and then nothing has changed."""
    if comparison.differences and not order.forced:
        raise RowsDiffer(_differ(work.build, len(comparison.differences)))
    await refuse_immovable(work.conn, work.build.projection)
    await refuse_changed(work.conn, work.build)
    for attempt, timeout_ms in enumerate(_LOCK_TIMEOUTS_MS, start=1):
        try:
            return await _Swap(work, order, comparison).run(attempt, timeout_ms)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            await asyncio.sleep(random.uniform(0.5, 1.5) * timeout_ms / 1000)  # noqa: S311 - no secret
    raise SwapBlocked(await _blocked(work.conn, work.build))


class _Swap:
    def __init__(self, work: Work, order: SwapOrder, comparison: Comparison) -> None:
        self._conn = work.conn
        self._build = work.build
        self._source = work.source
        self._filler = work.filler
        self._order = order
        self._comparison = comparison

    async def run(self, attempt: int, timeout_ms: int) -> Swapped:
        conn, build = self._conn, self._build
        async with conn.transaction():
            await conn.execute(TARGETS.give_up_after, {"timeout": f"{timeout_ms}ms"})
            goal = await self._lock_checkpoints()
            locked = time.monotonic()
            await self._filler.advance(conn, goal)
            differences, again = (None, False) if goal.is_new else await self._compare_again()
            await self._exchange_tables()
            now = await builds.unfinished(conn, build.projection)
            assert now is not None
            await self._move_checkpoints(now.progress)
            await conn.execute(TARGETS.forget_untouched, self._checkpoints_of(goal.joining))
            await builds.mark_swapped(
                conn,
                build,
                position=goal.end,
                differences=differences,
                actor=self._order.actor,
                forced=self._order.forced,
                reason=self._order.reason,
            )
        locked_ms = (time.monotonic() - locked) * 1000
        return Swapped(position=goal.end, attempts=attempt, locked_ms=locked_ms, compared_again=again)

    async def _lock_checkpoints(self) -> Targets:
        """Have the projector wait with this projection; where it has no checkpoint it gets one, at the beginning.

        So also where there was no event yet: the projector cannot apply the first one meanwhile, to the old tables.
        """
        before = await targets(self._conn, self._source)
        joining = before.joining | (self._source.places - before.positions.keys())
        for topic, partition in sorted(joining):
            place = TopicPartition(topic, partition)
            await create_checkpoints(self._conn, CONSUMER, [self._source.consumer], place)
        await self._conn.execute(TARGETS.lock, {"prefix": CHECKPOINT_PREFIX, **self._checkpoints_of(before.joining)})
        return await targets(self._conn, self._source, joining=joining)

    def _checkpoints_of(self, places: Collection[Place]) -> dict[str, Any]:
        return {
            "consumer": self._source.consumer,
            "topics": [topic for topic, _ in places],
            "partitions": [partition for _, partition in places],
        }

    async def _compare_again(self) -> tuple[int, bool]:
        if self._comparison.seconds > _QUICK_S:
            return len(self._comparison.differences), False
        count = 0
        for table in TABLES[self._build.projection]:
            count += len(await compare_rows(self._conn, self._build, table, limit=100))
        if count and not self._order.forced:
            raise RowsDiffer(_differ(self._build, count))
        return count, True

    async def _exchange_tables(self) -> None:
        conn, build = self._conn, self._build
        live = live_tables(build.projection)
        await name_in_full(conn)
        views = await self._statements("views", {"tables": live}, column=1)
        triggers = await self._statements("later_triggers", {"tables": live, "schema": LIVE})
        await execute_all(conn, views)  # as they are: locked before their tables, as queries do it
        for table in TABLES[build.projection]:
            lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")
            await conn.execute(lock.format(sql.Identifier(LIVE, table)))
        await refuse_changed(conn, build)
        await close_tables(conn, build)
        await conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(build.replaced_schema)))
        move = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
        for table in TABLES[build.projection]:
            await conn.execute(move.format(sql.Identifier(LIVE, table), sql.Identifier(build.replaced_schema)))
            await conn.execute(move.format(sql.Identifier(build.schema, table), sql.Identifier(LIVE)))
        await conn.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(build.schema)))
        await execute_all(conn, triggers)
        await execute_all(conn, views)  # over the tables that have the names now

    async def _statements(self, query: str, parameters: Mapping[str, Any], *, column: int = 0) -> list[str]:
        rows = await (await self._conn.execute(SQL[query], parameters)).fetchall()
        return [row[column] for row in rows]

    async def _move_checkpoints(self, reached: BuildProgress) -> None:
        """Have the projector go on where the rebuilt tables stand: that concerns those that it gets to join."""
        moved = {
            "consumer": self._source.consumer,
            "topics": [topic for topic, _ in reached.checkpoints],
            "partitions": [partition for _, partition in reached.checkpoints],
            "positions": list(reached.checkpoints.values()),
        }
        await self._conn.execute(TARGETS.move, moved)
        if reached.skipped:
            lacks = {"projector": CONSUMER, "topics": self._source.topics, "positions": sorted(reached.skipped)}
            await self._conn.execute(TARGETS.lack, {"consumer": self._source.consumer, **lacks})


def _differ(build: Build, count: int) -> str:
    return (
        f"{count} rows of build {build.build_id} of {build.projection} differ from the live ones. Remedy: find out "
        "which of both is right; should it be the build: --force --reason '...'"
    )


async def _blocked(conn: Connection, build: Build) -> str:
    rows = await (await conn.execute(SQL.holders, {"tables": live_tables(build.projection)})).fetchall()
    holders = "; ".join(
        f"process {pid} ({user}, {name or 'no name'})" + ("" if seconds is None else f" for {seconds} s")
        for pid, user, name, seconds in rows
    )
    return (
        f"the tables of {build.projection} are held by others: {holders or 'nobody at this moment'}. Nothing was "
        f"changed. Remedy: paystream projections swap {build.projection}, when they have ended"
    )

"""What the commands do: begin a build or go on with it, compare it, swap it in, drop what is left."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from event_store.replay.reading import RUN
from event_store.store import read_log_state
from infra.postgres.pool import Connection
from projections.rebuild import builds
from projections.rebuild.builds import Build, BuildProgress
from projections.rebuild.comparing import Comparison, compare
from projections.rebuild.errors import RebuildRefused
from projections.rebuild.filling import Filler, Pass
from projections.rebuild.swapping import SwapOrder, Swapped, swap
from projections.rebuild.tables import drop_tables, make_tables, refuse_changed
from projections.rebuild.targets import Source, targets
from projections.rebuild.work import Work
from projections.scratch import TABLES

_SMALL_LAG = 1000
"""Events that a pass has brought: the next one takes a fraction of a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """Is told how a build comes on."""

    progress: Callable[[BuildProgress, int], None] = lambda _, __: None
    """Its progress, and the position that it is to come to."""
    step: Callable[[str], None] = lambda _: None


class Rebuilding:
    """Works on the one unfinished build of a projection, which the caller has claimed (`builds.claimed`).

    `conn` is in autocommit, straight to the primary, and of the role that owns the tables; `reader` is another of the
    kind, on which events are read ahead.
    """

    def __init__(
        self,
        conn: Connection,
        source: Source,
        *,
        actor: str,
        reader: Connection | None = None,
        shown: Shown | None = None,
        size: int = RUN,
    ) -> None:
        self._conn = conn
        self._source = source
        self._actor = actor
        self._reader = reader
        self._shown = shown or Shown()
        self._size = size

    async def unfinished(self) -> Build | None:
        """Return the build that there is."""
        return await builds.unfinished(self._conn, self._source.projection)

    async def build(self, *, limit: int = 100) -> tuple[Build, Comparison]:
        """Begin a build or go on with it, until it has all that the live projection has; compare both."""
        work = await self._open()
        build = work.build
        await self._catch_up(work)
        comparison = await compare(work, limit=limit, done=lambda table: self._shown.step(f"comparing {table}"))
        return build, comparison

    async def begin_pass(self) -> Pass:
        """Begin a build or go on with it, for a caller that reads the log (`shared_reading.fill_together`)."""
        work = await self._open()
        goal = await targets(self._conn, self._source)
        return await work.filler.begin(self._conn, goal, done=lambda progress: self._shown.progress(progress, goal.end))

    async def swap(self, build: Build, comparison: Comparison, *, forced: bool, reason: str | None) -> Swapped:
        """Make it live. Raises RowsDiffer or SwapBlocked."""
        self._shown.step("swapping")
        await self._check_epoch(build)
        order = SwapOrder(actor=self._actor, forced=forced, reason=reason)
        return await swap(self._work(build), order=order, comparison=comparison)

    async def _open(self) -> Work:
        build = await self.unfinished() or await self._begin()
        await self._check_epoch(build)
        await refuse_changed(self._conn, build)
        return self._work(build)

    def _work(self, build: Build) -> Work:
        filler = Filler(build, self._source, size=self._size)
        return Work(conn=self._conn, build=build, source=self._source, filler=filler)

    async def _begin(self) -> Build:
        await targets(self._conn, self._source)  # refused before anything is made
        epoch = (await read_log_state(self._conn)).epoch
        async with self._conn.transaction():
            build = await builds.begin(self._conn, self._source.projection, epoch=epoch, actor=self._actor)
            await make_tables(self._conn, build)
        return build

    async def _check_epoch(self, build: Build) -> None:
        state = await read_log_state(self._conn)
        if state.closed_because is not None:
            raise RebuildRefused(f"the log is closed: {state.closed_because}. See: paystream recover --dry-run")
        if state.epoch != build.epoch:
            raise RebuildRefused(
                f"the log was recovered since build {build.build_id} began, and may have other events now. Remedy: "
                f"paystream projections drop {build.projection} --unfinished, and begin again"
            )

    async def _catch_up(self, work: Work) -> None:
        build = work.build
        first = build.phase == "building"
        end = 0

        def done(progress: BuildProgress) -> None:
            self._shown.progress(progress, end)

        while True:
            goal = await targets(self._conn, self._source)
            end = goal.end
            applied = await work.filler.advance(self._conn, goal, reader=self._reader, done=done)
            if first:
                self._shown.step("analyzing")
                for table in TABLES[build.projection]:
                    await self._conn.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(build.schema, table)))
                await builds.mark_caught_up(self._conn, build)
                first = False
            elif applied < _SMALL_LAG:
                return


async def drop_replaced(conn: Connection, projection: str, *, actor: str) -> list[Build]:
    """Drop the tables that earlier builds have replaced; return those builds. Raises RebuildRefused for none."""
    old = [each for each in await builds.builds_of(conn, projection) if each.phase == "swapped"]
    if not old:
        raise RebuildRefused(f"no tables of {projection} were replaced that are still there")
    for each in old:
        await _drop(conn, each, each.replaced_schema, actor)
    return old


async def abandon(conn: Connection, projection: str, *, actor: str) -> Build:
    """Drop the tables of an unfinished build. Raises RebuildRefused when there is none."""
    build = await builds.unfinished(conn, projection)
    if build is None:
        raise RebuildRefused(f"there is no unfinished build of {projection}")
    await _drop(conn, build, build.schema, actor)
    return build


async def _drop(conn: Connection, build: Build, schema: str, actor: str) -> None:
    async with conn.transaction():
        await drop_tables(conn, build, schema)
        await builds.mark_ended(conn, build, actor=actor)

"""Fills the tables of a build from the log, batch by batch, each with its progress in one short transaction."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from domain.errors import DomainError
from event_store.replay.reading import RUN, Run, Selection, read_ahead, read_runs
from infra.postgres.pool import Connection
from projections.errors import ProjectionError
from projections.projection import Projection
from projections.rebuild.builds import Build, BuildProgress, save_progress, unfinished
from projections.rebuild.errors import RebuildRefused
from projections.rebuild.tables import SQL as CATALOG
from projections.rebuild.targets import SQL, Source, Targets, events_at
from projections.scratch import apply_events, parts_of
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What a batch applies and leaves out, and where the build stands after it."""

    events: Sequence[RecordedEvent]
    progress: BuildProgress
    first_ahead: int | None
    """The first event that the live projection has not come to: it is read again, once it has."""


def select(events: Sequence[RecordedEvent], before: BuildProgress, targets: Targets, source: Source) -> Batch:
    """Choose from the next events in order those that the live projection has and the build has not."""
    checkpoints, skipped = dict(before.checkpoints), set[int]()
    chosen, first_ahead = list[RecordedEvent](), None
    for event in events:
        place = source.place_of(event)
        if event.position > targets.positions.get(place, 0):
            first_ahead = event.position if first_ahead is None else first_ahead
        elif event.position > checkpoints.get(place, 0):
            checkpoints[place] = event.position
            if event.position in targets.dead_letters:
                skipped.add(event.position)
            else:
                chosen.append(event)
    after = replace(before, checkpoints=checkpoints, skipped=before.skipped | skipped)
    return Batch(events=chosen, progress=after, first_ahead=first_ahead)


class Filler:
    """Goes on with one build, on one connection."""

    def __init__(self, build: Build, source: Source, *, size: int = RUN) -> None:
        self._build = build
        self._source = source
        self._parts = parts_of(source.projection)
        self._size = size

    async def advance(
        self,
        conn: Connection,
        targets: Targets,
        *,
        reader: Connection | None = None,
        done: Callable[[BuildProgress], None] = lambda _: None,
    ) -> int:
        """Apply all that the live projection has and the build has not; return how many events those were.

        Within a transaction of the caller, all of it; else each batch by itself. Events are read on the same
        connection, or ahead on `reader`, which is in autocommit. `done` is called after each batch. Raises
        RebuildRefused for an event that cannot be applied.
        """
        progress = await self._progress(conn)
        applied = progress.events
        progress = await self._apply_released(conn, progress, targets)
        ahead: int | None = None
        began = time.monotonic()
        async with aclosing(self._runs(conn, reader, progress.read_through, targets.end)) as runs:
            async for run in runs:
                batch = select(run.events, progress, targets, self._source)
                ahead = batch.first_ahead if ahead is None else ahead
                after = replace(batch.progress, read_through=run.position if ahead is None else ahead - 1)
                progress = await self._write(conn, progress, after, batch.events, began)
                began = time.monotonic()
                done(progress)
        return progress.events - applied

    def _runs(self, conn: Connection, reader: Connection | None, after: int, up_to: int) -> AsyncGenerator[Run, None]:
        selection = Selection(after=after, up_to=up_to, categories=self._source.categories)
        if reader is None:
            return read_runs(conn, selection, size=self._size)
        return read_ahead(read_runs(reader, selection, size=self._size))

    async def _progress(self, conn: Connection) -> BuildProgress:
        build = await unfinished(conn, self._build.projection)
        if build is None or build.build_id != self._build.build_id:
            raise RebuildRefused(f"build {self._build.build_id} of {self._build.projection} is not there any more")
        return build.progress

    async def _apply_released(self, conn: Connection, progress: BuildProgress, targets: Targets) -> BuildProgress:
        """Apply what was a dead letter when the build came by, and is none any more."""
        released = progress.skipped - targets.dead_letters
        if not released:
            return progress
        events = await events_at(conn, released)
        after = replace(progress, skipped=progress.skipped - released)
        return await self._write(conn, progress, after, events, time.monotonic())

    async def _write(
        self,
        conn: Connection,
        before: BuildProgress,
        after: BuildProgress,
        events: Sequence[RecordedEvent],
        began: float,
    ) -> BuildProgress:
        async with conn.transaction():
            await conn.execute(SQL.by_index)
            await conn.execute(CATALOG.as_filler)
            try:
                await apply_events(
                    conn, self._build.schema, self._parts, events, _is_of_its_topic, vault=self._source.vault
                )
            except (SchemaError, ProjectionError, DomainError) as error:
                raise RebuildRefused(
                    f"an event between the positions {before.read_through} and {after.read_through} cannot be applied: "
                    f"{type(error).__name__}: {error}"
                ) from error
            await conn.execute(CATALOG.as_owner)
            after = replace(
                after,
                events=before.events + len(events),
                busy_ms=before.busy_ms + round((time.monotonic() - began) * 1000),
            )
            await save_progress(conn, self._build, before, after)
            await conn.execute(SQL.by_any_plan)
        return replace(after, batches=before.batches + 1)


def _is_of_its_topic(_: Projection[Any], __: RecordedEvent) -> bool:
    return True


def ahead_of(progress: Mapping[tuple[str, int], int], targets: Targets) -> list[tuple[str, int]]:
    """Return the partitions in which the build has more than the live projection: after that was set back."""
    return sorted(place for place, at in progress.items() if at > targets.positions.get(place, 0))

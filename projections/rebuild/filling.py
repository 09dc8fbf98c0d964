"""Fills the tables of a build from the log, batch by batch, each with its progress in one short transaction."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from domain.errors import DomainError
from event_store.replay.reading import RUN, Run, Selection, read_ahead, read_runs
from infra.postgres.pool import Connection
from projections.errors import ProjectionError
from projections.rebuild.builds import Build, BuildProgress, Place, save_progress, unfinished
from projections.rebuild.errors import RebuildRefused
from projections.rebuild.tables import SQL as CATALOG
from projections.rebuild.targets import SQL, Source, Targets, events_at
from projections.scratch import Decoded, apply_events, of_categories, parts_of
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError

Done = Callable[[BuildProgress], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What a batch applies and leaves out, and where the build stands after it."""

    events: Sequence[RecordedEvent]
    progress: BuildProgress
    first_ahead: int | None
    """The first event that the live projection has not come to: it is read again, once it has."""


class Shared:
    """A run for one build or several, with what each of them would find out anew."""

    def __init__(self, run: Run, source: Source) -> None:
        """`source` is that of any of the builds."""
        self.run = run
        self.decoded = Decoded(source.vault)
        self.newest = newest_of(run.events, source)


def newest_of(events: Sequence[RecordedEvent], source: Source) -> Mapping[Place, int]:
    """Return the position of the last of the events in each of their partitions."""
    return {source.place_of(event): event.position for event in events}


def select(
    events: Sequence[RecordedEvent],
    before: BuildProgress,
    targets: Targets,
    source: Source,
    *,
    newest: Mapping[Place, int] | None = None,
) -> Batch:
    """Choose from the next events in order those that the live projection has and the build has not.

    `newest` is what `newest_of` says of them.
    """
    newest = newest_of(events, source) if newest is None else newest
    if _has_to_take_all(events, newest, before, targets):
        after = replace(before, checkpoints={**before.checkpoints, **newest})
        return Batch(events=events, progress=after, first_ahead=None)
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


def _has_to_take_all(
    events: Sequence[RecordedEvent], newest: Mapping[Place, int], before: BuildProgress, targets: Targets
) -> bool:
    """Whether it is so for sure: the usual case, found by a look at each partition instead of each event."""
    if not events:
        return True
    first, last = events[0].position, events[-1].position
    return (
        all(position <= targets.positions.get(place, 0) for place, position in newest.items())
        and all(position < first for position in before.checkpoints.values())
        and not any(first <= position <= last for position in targets.dead_letters)
    )


class Filler:
    """Goes on with one build, on one connection."""

    def __init__(self, build: Build, source: Source, *, size: int = RUN) -> None:
        self.build = build
        self.source = source
        self._size = size

    async def advance(
        self, conn: Connection, targets: Targets, *, reader: Connection | None = None, done: Done = lambda _: None
    ) -> int:
        """Apply all that the live projection has and the build has not; return how many events those were.

        Within a transaction of the caller, all of it; else each batch by itself. Events are read on the same
        connection, or ahead on `reader`, which is in autocommit. `done` is called after each batch. Raises
        RebuildRefused for an event that cannot be applied.
        """
        passing = await self.begin(conn, targets, done=done)
        async with aclosing(self._runs(conn, reader, passing.selection)) as runs:
            async for run in runs:
                await passing.take(Shared(run, self.source))
        return passing.applied

    async def begin(self, conn: Connection, targets: Targets, *, done: Done = lambda _: None) -> "Pass":
        """Begin to apply the same, for a caller that reads the log itself."""
        build = await unfinished(conn, self.build.projection)
        if build is None or build.build_id != self.build.build_id:
            raise RebuildRefused(f"build {self.build.build_id} of {self.build.projection} is not there any more")
        passing = Pass(self, conn, targets, build.progress, done)
        await passing.take_released()
        return passing

    def _runs(self, conn: Connection, reader: Connection | None, selection: Selection) -> AsyncGenerator[Run, None]:
        if reader is None:
            return read_runs(conn, selection, size=self._size)
        return read_ahead(read_runs(reader, selection, size=self._size))


class Pass:
    """One way of a build through the log: from where it stands to where the live projection stood at the beginning."""

    def __init__(self, filler: Filler, conn: Connection, targets: Targets, progress: BuildProgress, done: Done) -> None:
        self._filler = filler
        self._conn = conn
        self._targets = targets
        self._progress = progress
        self._done = done
        self._parts = parts_of(filler.source.projection)
        self._first_ahead: int | None = None
        self._events_before = progress.events
        self._began = time.monotonic()

    @property
    def selection(self) -> Selection:
        """What it still needs of the log."""
        source, targets = self._filler.source, self._targets
        return Selection(after=self._progress.read_through, up_to=targets.end, categories=source.categories)

    @property
    def applied(self) -> int:
        """How many events it has applied."""
        return self._progress.events - self._events_before

    async def take_released(self) -> None:
        """Apply what was a dead letter when the build came by, and is none any more."""
        released = self._progress.skipped - self._targets.dead_letters
        if released:
            events = await events_at(self._conn, released)
            after = replace(self._progress, skipped=self._progress.skipped - released)
            await self._write(after, events, Decoded(self._filler.source.vault))

    async def take(self, shared: Shared) -> None:
        """Apply what it needs of the next run, which may have other events too, or none that are new to it."""
        run, source = shared.run, self._filler.source
        if run.position <= self._progress.read_through:
            return
        topics = source.topics
        newest = {place: position for place, position in shared.newest.items() if place[0] in topics}
        is_all = newest.keys() == shared.newest.keys()
        events = run.events if is_all else of_categories(run.events, source.categories)
        batch = select(events, self._progress, self._targets, source, newest=newest)
        if self._first_ahead is None:
            self._first_ahead = batch.first_ahead
        through = run.position if self._first_ahead is None else self._first_ahead - 1
        await self._write(replace(batch.progress, read_through=through), batch.events, shared.decoded)
        self._done(self._progress)

    async def _write(self, after: BuildProgress, events: Sequence[RecordedEvent], decoded: Decoded) -> None:
        before, conn, build = self._progress, self._conn, self._filler.build
        async with conn.transaction():
            await conn.execute(SQL.by_index)
            await conn.execute(CATALOG.as_filler)
            try:
                await apply_events(conn, build.schema, self._parts, events, decoded=decoded)
            except (SchemaError, ProjectionError, DomainError) as error:
                raise RebuildRefused(
                    f"an event between the positions {before.read_through} and {after.read_through} cannot be applied: "
                    f"{type(error).__name__}: {error}"
                ) from error
            await conn.execute(CATALOG.as_owner)
            now = time.monotonic()
            busy_ms = before.busy_ms + round((now - self._began) * 1000)
            after = replace(after, events=before.events + len(events), busy_ms=busy_ms)
            await save_progress(conn, build, before, after)
            await conn.execute(SQL.by_any_plan)
        self._progress = replace(after, batches=before.batches + 1)
        self._began = now


def ahead_of(progress: Mapping[tuple[str, int], int], targets: Targets) -> list[tuple[str, int]]:
    """Return the partitions in which the build has more than the live projection: after that was set back."""
    return sorted(place for place, at in progress.items() if at > targets.positions.get(place, 0))

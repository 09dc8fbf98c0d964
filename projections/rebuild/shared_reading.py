"""Fills several builds from one reading of the log, in which each event is decoded once for all of them."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import TypeAlias

from event_store.replay.reading import RUN, Selection, read_runs
from infra.postgres.pool import Connection
from projections.rebuild.filling import Pass, Shared
from projections.rebuild.targets import Source

_AHEAD = 2
"""How many runs are read for a build that is still busy: while PostgreSQL writes for one, another is worked for."""

_Runs: TypeAlias = asyncio.Queue[Shared | None]


async def fill_together(passes: Sequence[Pass], source: Source, reader: Connection, *, size: int = RUN) -> None:
    """Bring each build to its targets, in batches of its own; what one has already is left out for it.

    `source` is that of any of them. `reader` is in autocommit, and nobody else's until this ends. Raises RebuildRefused
    for an event that one of them cannot apply; then the others end too, each with what it has committed.
    """
    waiting = [_Runs(_AHEAD) for _ in passes]
    try:
        async with asyncio.TaskGroup() as group:
            for each, runs in zip(passes, waiting, strict=True):
                group.create_task(_take_all(each, runs))
            selection = _all_of([each.selection for each in passes])
            async with aclosing(read_runs(reader, selection, size=size)) as read:
                async for run in read:
                    shared = Shared(run, source)
                    for runs in waiting:
                        await runs.put(shared)
            for runs in waiting:
                await runs.put(None)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _take_all(passing: Pass, runs: _Runs) -> None:
    while (shared := await runs.get()) is not None:
        await passing.take(shared)


def _all_of(selections: Sequence[Selection]) -> Selection:
    categories = {category for each in selections for category in each.categories or ()}
    return Selection(
        after=min(each.after for each in selections),
        up_to=max(each.up_to for each in selections),
        categories=tuple(sorted(categories)),
    )

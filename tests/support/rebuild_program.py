"""A rebuild in a process of its own that stops at a given step, so that it can be killed there.

    python -m tests.support.rebuild_program URL PROJECTION STEP

STEP is `batch`, `analyzing`, `comparing` or `swapping`: it prints `here` and sleeps within that step.
"""

import asyncio
import sys
import time
from typing import Any

import psycopg

from projections.rebuild import builds, rebuilding
from projections.rebuild.builds import BuildProgress, claimed
from projections.rebuild.rebuilding import Shown
from projections.rebuild.targets import Source
from tests.support.rebuilds import PARTITIONS

_BATCHES = 3


def _stop() -> None:
    sys.stdout.write("here\n")
    sys.stdout.flush()
    time.sleep(600)


async def _stopping(*_: Any, **__: Any) -> None:
    _stop()


async def run(url: str, projection: str, step: str) -> None:
    """Rebuild, and stop."""

    def progress(now: BuildProgress, _: int) -> None:
        if step == "batch" and now.batches == _BATCHES:
            _stop()

    def stepped(name: str) -> None:
        if name == "analyzing" == step or (step == "comparing" and name.startswith("comparing ")):
            _stop()

    if step == "swapping":  # within the transaction, all but its last statement is done
        builds.mark_swapped = _stopping
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True, application_name="to be killed") as conn,
        claimed(conn, projection),
    ):
        source = Source(projection=projection, partitions=PARTITIONS)
        shown = Shown(progress=progress, step=stepped)
        work = rebuilding.Rebuilding(conn, source, actor="killed", shown=shown, size=20)
        build, comparison = await work.build()
        await work.swap(build, comparison, forced=False, reason=None)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))

"""Runs `paystream projections rebuild`, `swap` and `drop`."""

import dataclasses
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg

from event_store.privacy.vault import open_vault_at
from infra.cli.execute import run
from infra.cli.output import ProgressLine, json_text
from infra.postgres.pool import Connection
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import MigrationSettings
from infra.settings.privacy import PrivacySettings
from projections.difference_text import difference_text
from projections.rebuild.builds import Build, BuildProgress, claimed
from projections.rebuild.comparing import Comparison
from projections.rebuild.errors import RebuildRefused
from projections.rebuild.rebuilding import Rebuilding, Shown, abandon, drop_replaced
from projections.rebuild.swapping import Swapped
from projections.rebuild.tables import SQL
from projections.rebuild.targets import Source
from projections.scratch import TABLES

_NAME = "paystream projections"
_OBJECTS_OF_A_BATCH = 200_000
"""Events make many objects and no cycles: looking for those after every few hundred takes a quarter of the time."""


class RebuildSettings(MigrationSettings, KafkaSettings, PrivacySettings):
    """What the commands need: the owner of the tables, of Kafka how many partitions a topic has, the wrapping keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What of which projection, by whom, and how it is shown."""

    projection: str
    actor: str
    limit: int
    as_json: bool


def run_rebuild(request: Request, *, swap: bool) -> int:
    """Build and compare, and swap if that is wanted and nothing differs; return the exit code."""

    async def work(rebuilding: Rebuilding) -> int:
        build, comparison = await rebuilding.build(limit=request.limit)
        _print_comparison(request, build, comparison)
        if comparison.differences:
            return 1
        if swap:
            _print_swap(request, build, await rebuilding.swap(build, comparison, forced=False, reason=None))
        elif not request.as_json:
            print(f"To make it live: paystream projections swap {build.projection}")
        return 0

    return _run(request, work)


def run_swap(request: Request, *, force: bool, reason: str | None) -> int:
    """Have the build catch up, compare and swap; return the exit code."""

    async def work(rebuilding: Rebuilding) -> int:
        if force and not (reason and reason.strip()):
            raise RebuildRefused("--force needs a --reason, which is kept with the build")
        if reason and not force:
            raise RebuildRefused("a --reason is for --force; without differences none is needed")
        if await rebuilding.unfinished() is None:
            raise RebuildRefused(
                f"there is no build of {request.projection}. Remedy: paystream projections rebuild {request.projection}"
            )
        build, comparison = await rebuilding.build(limit=request.limit)
        _print_comparison(request, build, comparison)
        _print_swap(request, build, await rebuilding.swap(build, comparison, forced=force, reason=reason))
        return 0

    return _run(request, work)


def run_drop(projection: str, *, unfinished: bool, actor: str) -> int:
    """Drop replaced tables, or an unfinished build; return the exit code."""

    async def work(conn: Connection, _: RebuildSettings) -> int:
        async with claimed(conn, projection):
            if unfinished:
                build = await abandon(conn, projection, actor=actor)
                print(f"Build {build.build_id} of {projection} is gone.")
                return 0
            for build in await drop_replaced(conn, projection, actor=actor):
                print(f"The tables of {projection} that build {build.build_id} replaced are gone.")
        return 0

    return run_with_owner(projection, work)


def run_with_owner(projection: str | None, work: Callable[[Connection, RebuildSettings], Awaitable[int]]) -> int:
    """Do work on a connection of the tables' owner; return its exit code, or 1 with the reason on stderr."""
    settings = load_settings(RebuildSettings)

    async def connected() -> int:
        if projection is not None and projection not in TABLES:
            raise RebuildRefused(f"there is no projection {projection!r}. There are {', '.join(TABLES)}")
        async with await _connect(settings) as conn:
            return await work(conn, settings)

    return run(connected())


async def _connect(settings: RebuildSettings) -> Connection:
    url = settings.migration_database_url.get_secret_value()
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5, application_name=_NAME)
    await conn.execute(SQL.end_when_frozen)
    return conn


def _run(request: Request, work: Callable[[Rebuilding], Awaitable[int]]) -> int:
    line = ProgressLine()
    gc.set_threshold(_OBJECTS_OF_A_BATCH)

    async def claiming(conn: Connection, settings: RebuildSettings) -> int:
        async with (
            claimed(conn, request.projection),
            await _connect(settings) as reader,
            open_vault_at(settings.migration_database_url, settings, "projections") as vault,
        ):
            source = Source(projection=request.projection, partitions=settings.kafka_topic_partitions, vault=vault)
            shown = Shown(progress=lambda progress, end: line.show(_progress(progress, end)), step=line.show)
            try:
                return await work(Rebuilding(conn, source, actor=request.actor, reader=reader, shown=shown))
            finally:
                line.clear()

    return run_with_owner(request.projection, claiming)


def _progress(progress: BuildProgress, end: int) -> str:
    return (
        f"{progress.events:,} events, position {progress.read_through:,} of {end:,}, {rate_of(progress):,.0f} events/s"
    )


def rate_of(progress: BuildProgress) -> float:
    """Return how many events a second it has applied, while it worked."""
    return 1000 * progress.events / progress.busy_ms if progress.busy_ms else 0.0


def _print_comparison(request: Request, build: Build, comparison: Comparison) -> None:
    for found in comparison.differences:
        print(json_text(dataclasses.asdict(found)) if request.as_json else difference_text(found))
    if request.as_json:
        return
    what = f"Build {build.build_id} of {build.projection} at position {comparison.position:,}"
    if comparison.is_new:
        print(f"{what}: the live projection has no checkpoint, so there is nothing to be compared with.")
    elif comparison.differences:
        print(f"{what}: {len(comparison.differences)} rows differ from the live ones, or more.")
    else:
        print(f"{what}: nothing differs from the live tables.")


def _print_swap(request: Request, build: Build, swapped: Swapped) -> None:
    if request.as_json:
        print(json_text({"build_id": build.build_id, **dataclasses.asdict(swapped)}))
        return
    print(
        f"Build {build.build_id} of {build.projection} is live since position {swapped.position:,}; the projector "
        f"waited {swapped.locked_ms:,.0f} ms for it. The old tables are in {build.replaced_schema}, until: "
        f"paystream projections drop {build.projection}"
    )

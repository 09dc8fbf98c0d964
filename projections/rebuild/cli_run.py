"""Runs `paystream projections rebuild`, `swap` and `drop`."""

import dataclasses
import gc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import psycopg

from event_store.command_line import run
from event_store.privacy.vault import open_vault_at
from infra.cli.output import ProgressLine, json_text
from infra.postgres.pool import Connection
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import MigrationSettings
from infra.settings.privacy import PrivacySettings
from projections.difference_text import difference_text
from projections.rebuild.builds import Build, BuildProgress, claimed
from projections.rebuild.comparing import Comparison
from projections.rebuild.errors import RebuildRefused, WrongRebuildOption
from projections.rebuild.rebuilding import Rebuilding, Shown, abandon, drop_replaced
from projections.rebuild.shared_reading import fill_together
from projections.rebuild.swapping import Swapped
from projections.rebuild.tables import SQL
from projections.rebuild.targets import Source
from projections.scratch import TABLES

_NAME = "paystream projections"
OBJECTS_OF_A_BATCH = 200_000
"""Events make many objects and no cycles: looking for those after every few hundred takes a quarter of the time."""


class RebuildSettings(MigrationSettings, KafkaSettings, PrivacySettings):
    """What the commands need: the owner of the tables, of Kafka how many partitions a topic has, the wrapping keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What of which projections, by whom, and how it is shown."""

    projections: tuple[str, ...]
    actor: str
    limit: int
    as_json: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What builds of several projections share."""

    reader: Connection
    source: Source


def run_rebuild(request: Request, *, swap: bool) -> int:
    """Build and compare, and swap each of which nothing differs if that is wanted; return the exit code."""

    async def work(reading: Reading, rebuildings: Sequence[Rebuilding]) -> int:
        if len(rebuildings) > 1:
            passes = [await each.begin_pass() for each in rebuildings]
            await fill_together(passes, reading.source, reading.reader)
        return max([await _finish(request, each, swap=swap) for each in rebuildings])

    return _run(request, work)


async def _finish(request: Request, rebuilding: Rebuilding, *, swap: bool) -> int:
    build, comparison = await rebuilding.build(limit=request.limit)
    _print_comparison(request, build, comparison)
    if comparison.differences:
        return 1
    if swap:
        _print_swap(request, build, await rebuilding.swap(build, comparison, forced=False, reason=None))
    elif not request.as_json:
        print(f"To make it live: paystream projections swap {build.projection}")
    return 0


def run_swap(request: Request, *, force: bool, reason: str | None) -> int:
    """Have the build catch up, compare and swap; return the exit code."""

    async def work(_: Reading, rebuildings: Sequence[Rebuilding]) -> int:
        (rebuilding,) = rebuildings
        if force and not (reason and reason.strip()):
            raise WrongRebuildOption("--force needs a --reason, which is kept with the build")
        if reason and not force:
            raise WrongRebuildOption("a --reason is for --force; without differences none is needed")
        if await rebuilding.unfinished() is None:
            (name,) = request.projections
            raise RebuildRefused(f"there is no build of {name}. Remedy: paystream projections rebuild {name}")
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

    return run_with_owner([projection], work)


def run_with_owner(projections: Sequence[str], work: Callable[[Connection, RebuildSettings], Awaitable[int]]) -> int:
    """Do work on a connection of the tables' owner; return its exit code, or 1 with the reason on stderr."""
    settings = load_settings(RebuildSettings)

    async def connected() -> int:
        for each in projections:
            if each not in TABLES:
                raise WrongRebuildOption(f"there is no projection {each!r}. There are {', '.join(TABLES)}")
        async with await _connect(settings) as conn:
            return await work(conn, settings)

    return run(connected())


async def _connect(settings: RebuildSettings) -> Connection:
    url = settings.migration_database_url.get_secret_value()
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5, application_name=_NAME)
    await conn.execute(SQL.end_when_frozen)
    return conn


def _run(request: Request, work: Callable[[Reading, Sequence[Rebuilding]], Awaitable[int]]) -> int:
    line = ProgressLine()
    names = list(dict.fromkeys(request.projections))
    gc.set_threshold(OBJECTS_OF_A_BATCH)

    async def claiming(conn: Connection, settings: RebuildSettings) -> int:
        async with AsyncExitStack() as stack:
            reader = await stack.enter_async_context(await _connect(settings))
            vault = open_vault_at(settings.migration_database_url, settings, "projections")
            source = Source(
                projection=names[0],
                partitions=settings.kafka_topic_partitions,
                vault=await stack.enter_async_context(vault),
            )
            rebuildings = []
            for name in names:
                own = conn if name == names[0] else await stack.enter_async_context(await _connect(settings))
                await stack.enter_async_context(claimed(own, name))
                its = replace(source, projection=name)
                rebuildings.append(Rebuilding(own, its, actor=request.actor, reader=reader, shown=_shown(line, name)))
            stack.callback(line.clear)
            return await work(Reading(reader=reader, source=source), rebuildings)

    return run_with_owner(names, claiming)


def _shown(line: ProgressLine, name: str) -> Shown:
    return Shown(
        progress=lambda progress, end: line.show(f"{name}: {_progress(progress, end)}"),
        step=lambda step: line.show(f"{name}: {step}"),
    )


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

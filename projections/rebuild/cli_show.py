"""Runs `paystream projections list` and `status`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from infra.cli.output import console, plain_table, print_json_lines, printable
from infra.postgres.pool import Connection
from projections.rebuild.builds import Build, builds_of, claimed_projections
from projections.rebuild.cli_run import RebuildSettings, rate_of, run_with_owner
from projections.rebuild.tables import size_of
from projections.rebuild.targets import Source, count_behind, live_position
from projections.scratch import LIVE, TABLES
from schemas.http.times import timestamp

_COUNTED = 10_000
_BUILD_COLUMNS = (
    "Build",
    "Projection",
    "Phase",
    "Events",
    "Rate",
    "Position",
    "Lag",
    "Rows (estimate)",
    "Size",
    "Differ",
    "Updated (UTC)",
    "By",
    "Reason",
)
_UNFINISHED = ("building", "catching_up", "compared")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedProjection:
    """A projection: its live tables, and the build beside them."""

    projection: str
    tables: Sequence[str]
    rows_estimate: int
    size_bytes: int
    position: int | None
    """Of its newest checkpoint; None: it has none."""
    lag_events: int | None
    """How many of its events stand behind that; counted up to 10,000."""
    build_id: int | None
    phase: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedBuild:
    """A build, and how it comes on."""

    build_id: int
    projection: str
    phase: str
    is_worked_on: bool
    events: int
    events_per_second: int
    position: int
    lag_events: int | None
    """How many events it lacks of those that the log has; of one that was swapped or dropped None."""
    rows_estimate: int
    size_bytes: int
    """Of its tables; once it is swapped, of those that it replaced."""
    differences: int | None
    started_at: datetime
    started_by: str
    updated_at: datetime
    swapped_at: datetime | None
    swapped_by: str | None
    swapped_at_position: int | None
    forced: bool
    reason: str | None


def run_list(*, as_json: bool) -> int:
    """Print the projections; return the exit code."""

    async def work(conn: Connection, settings: RebuildSettings) -> int:
        listed = [await _projection(conn, name, settings) for name in TABLES]
        if as_json:
            print_json_lines(listed)
            return 0
        rows = (
            (
                each.projection,
                ", ".join(each.tables),
                f"{each.rows_estimate:,}",
                _size(each.size_bytes),
                "-" if each.position is None else f"{each.position:,}",
                _lag(each.lag_events),
                "-" if each.build_id is None else f"{each.build_id} {each.phase}",
            )
            for each in listed
        )
        _print_table(("Projection", "Tables", "Rows (estimate)", "Size", "Position", "Lag", "Build"), rows)
        return 0

    return run_with_owner([], work)


def run_status(projection: str | None, *, as_json: bool) -> int:
    """Print builds; return the exit code."""

    async def work(conn: Connection, settings: RebuildSettings) -> int:
        builds = await builds_of(conn, projection)
        claimed = await claimed_projections(conn, list(TABLES))
        listed = [await _listed(conn, each, settings, claimed) for each in builds]
        if as_json:
            print_json_lines(listed)
        elif not listed:
            print("Nothing was rebuilt yet.")
        else:
            _print_table(
                _BUILD_COLUMNS,
                map(_build_row, listed),
            )
        return 0

    return run_with_owner([projection] if projection else [], work)


def _build_row(each: ListedBuild) -> Sequence[str]:
    return (
        str(each.build_id),
        each.projection,
        f"{each.phase}, at work" if each.is_worked_on else each.phase,
        f"{each.events:,}",
        f"{each.events_per_second:,}/s",
        f"{each.position:,}",
        _lag(each.lag_events),
        f"{each.rows_estimate:,}",
        _size(each.size_bytes),
        "-" if each.differences is None else f"{each.differences:,}",
        timestamp(each.updated_at),
        each.swapped_by or each.started_by,
        printable(each.reason or "-"),
    )


async def _projection(conn: Connection, name: str, settings: RebuildSettings) -> ListedProjection:
    source = Source(projection=name, partitions=settings.kafka_topic_partitions)
    position = await live_position(conn, source)
    rows, size = await size_of(conn, name, LIVE)
    build = next((each for each in await builds_of(conn, name) if each.phase in (*_UNFINISHED, "swapped")), None)
    return ListedProjection(
        projection=name,
        tables=TABLES[name],
        rows_estimate=rows,
        size_bytes=size,
        position=position,
        lag_events=None if position is None else await count_behind(conn, source, position, limit=_COUNTED),
        build_id=None if build is None else build.build_id,
        phase=None if build is None else build.phase,
    )


async def _listed(conn: Connection, build: Build, settings: RebuildSettings, claimed: set[str]) -> ListedBuild:
    source = Source(projection=build.projection, partitions=settings.kafka_topic_partitions)
    is_open = build.phase in _UNFINISHED
    rows, size = await size_of(conn, build.projection, build.schema if is_open else build.replaced_schema)
    position = build.progress.read_through
    return ListedBuild(
        build_id=build.build_id,
        projection=build.projection,
        phase=build.phase,
        is_worked_on=is_open and build.projection in claimed,
        events=build.progress.events,
        events_per_second=round(rate_of(build.progress)),
        position=position,
        lag_events=await count_behind(conn, source, position, limit=_COUNTED) if is_open else None,
        rows_estimate=rows,
        size_bytes=size,
        differences=build.differences,
        started_at=build.started_at,
        started_by=build.started_by,
        updated_at=build.updated_at,
        swapped_at=build.swapped_at,
        swapped_by=build.swapped_by,
        swapped_at_position=build.swapped_at_position,
        forced=build.forced,
        reason=build.reason,
    )


def _print_table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    table = plain_table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def _lag(events: int | None) -> str:
    if events is None:
        return "-"
    return f"{events:,} or more" if events == _COUNTED else f"{events:,}"


def _size(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"

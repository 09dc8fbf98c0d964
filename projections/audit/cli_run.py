"""Runs `paystream audit show`, `diff` and `invariants`."""

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import psycopg
from rich.text import Text

from domain.ids import PaymentId
from event_store.command_line import run
from event_store.privacy.vault import open_vault_at
from event_store.replay.moments import last_position
from infra.cli.exit_codes import COULD_NOT_LOOK
from infra.cli.output import ProgressLine, console, json_text, plain_table, printable
from infra.errors import InfraError, WrongOption
from infra.files import whole_file
from infra.postgres.pool import Connection
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import AuditDatabaseSettings
from infra.settings.privacy import PrivacySettings
from projections.audit.diff import row_differences
from projections.audit.history import HistoryBroken, read_history
from projections.audit.invariants import INVARIANTS, Checked, Violation, violations
from projections.audit.page import render_page
from projections.audit.places import parse_place
from projections.audit.table import print_history
from projections.difference_text import difference_text
from projections.errors import ProjectionError
from projections.payments.as_of import AsOf
from projections.scratch import TABLES
from schemas.errors import SchemaError
from schemas.http.strict import parse_id
from schemas.http.times import timestamp


class AuditRefused(InfraError):
    """What was asked for cannot be shown."""


class WrongAuditOption(AuditRefused, WrongOption):
    """What was asked for makes no sense, whatever the log has."""


class AuditSettings(AuditDatabaseSettings, KafkaSettings, PrivacySettings):
    """What the commands need: of Kafka only how many partitions a topic has, the wrapping keys only for `diff`."""


def run_show(payment: str, *, as_of: str | None, version: int | None, form: str, output: Path | None) -> int:
    """Show the history; return the exit code."""

    async def work(conn: Connection, _: AuditSettings) -> int:
        payment_id = parse_id(payment)
        if payment_id is None:
            raise WrongAuditOption(f"{payment!r} is not the id of a payment")
        if as_of is not None and version is not None:
            raise WrongAuditOption("give --as-of or --version, not both")
        place = _as_of(as_of, version)
        await _refuse_the_future(conn, place)
        try:
            history = await read_history(conn, PaymentId(payment_id), place)
        except HistoryBroken as error:
            raise AuditRefused(f"its events make no sense: {error}. See: paystream audit invariants") from error
        if history is None:
            raise AuditRefused(f"there is no payment {payment_id}" + (" up to there" if as_of else ""))
        if version is not None and (last := history.steps[-1].version) < version:
            raise AuditRefused(f"payment {payment_id} has {last} events: there is no version {version} yet")
        if form == "table" and output is None:
            print_history(history, console())
            return 0
        if form == "table":
            raise WrongAuditOption("a table is printed. Remedy: --format json or html for a file")
        text = render_page(history) if form == "html" else json_text(dataclasses.asdict(history), indent=True)
        if output is None:
            print(text)
        else:
            with whole_file(output) as path:
                path.write_text(text, encoding="utf-8")
            print(f"{len(history.steps)} events are in {output}.")
        return 0

    return _run(work)


def _as_of(text: str | None, version: int | None) -> AsOf:
    if text is None:
        return AsOf(version=version)
    place = parse_place(text)
    return AsOf(moment=place) if isinstance(place, datetime) else AsOf(position=place)


async def _refuse_the_future(conn: Connection, place: AsOf) -> None:
    """Refuse a place that the log has not come to: what is shown would not stay what it was there."""
    if place.moment is not None:
        row = await (await conn.execute("SELECT clock_timestamp()")).fetchone()
        assert row is not None
        if place.moment > row[0]:
            raise WrongAuditOption(f"--as-of {timestamp(place.moment)} is yet to come: it is {timestamp(row[0])}")
    elif place.position is not None and place.position > (end := await last_position(conn)):
        raise AuditRefused(f"the log ends at position {end}: there is no position {place.position} yet")


def run_diff(projection: str | None, *, limit: int, as_json: bool) -> int:
    """Print the differences; return the exit code."""

    async def work(conn: Connection, settings: AuditSettings) -> int:
        if projection is not None and projection not in TABLES:
            raise WrongAuditOption(f"there is no projection {projection!r}. There are {', '.join(TABLES)}")
        progress, count = ProgressLine(), 0
        try:
            async with open_vault_at(settings.audit_database_url, settings, "audit") as vault:
                async for found in row_differences(
                    conn,
                    partitions=settings.kafka_topic_partitions,
                    vault=vault,
                    projection=projection,
                    limit=limit,
                    replayed=lambda position: progress.show(f"replayed up to position {position:,}"),
                ):
                    count += 1
                    progress.clear()
                    print(json_text(dataclasses.asdict(found)) if as_json else difference_text(found))
        except (SchemaError, ProjectionError) as error:
            raise AuditRefused(f"the log cannot be replayed: {error}. See: paystream audit invariants") from error
        progress.clear()
        if not as_json:
            names = ", ".join(TABLES) if projection is None else projection
            print(f"{count} rows differ." if count else f"Nothing differs: {names} are what a replay of the log makes.")
        return 1 if count else 0

    return _run(work, failed=COULD_NOT_LOOK)


def run_invariants(*, as_json: bool) -> int:
    """Print the violations; return the exit code."""

    async def work(conn: Connection, settings: AuditSettings) -> int:
        progress, checked = ProgressLine(), Checked()
        broken: dict[str, int] = dict.fromkeys(INVARIANTS, 0)
        async for found in violations(conn, partitions=settings.kafka_topic_partitions, checked=checked):
            broken[found.invariant] += 1
            progress.clear()
            print(json_text(dataclasses.asdict(found)) if as_json else _violation(found))
            progress.show(f"{checked.events:,} events of {checked.streams:,} streams")
        progress.clear()
        if not as_json:
            _print_invariants(broken)
            print(f"{checked.events:,} events of {checked.streams:,} streams were checked.")
            if checked.archived:
                print(f"{checked.archived:,} streams are archived, and were not: see paystream audit verify.")
        return 1 if checked.violations else 0

    return _run(work, failed=COULD_NOT_LOOK)


def _violation(found: Violation) -> str:
    where = " ".join(
        part
        for part in (
            "" if found.stream_id is None else f"stream {found.stream_id}",
            "" if found.position is None else f"position {found.position}",
        )
        if part
    )
    return printable(f"{found.invariant}: {where}: {found.detail}" if where else f"{found.invariant}: {found.detail}")


def _print_invariants(broken: dict[str, int]) -> None:
    table = plain_table()
    for column in ("Invariant", "Holds", "That is"):
        table.add_column(column, overflow="fold")
    for name, count in broken.items():
        table.add_row(name, "yes" if not count else f"violated {count} times", Text(INVARIANTS[name]))
    console().print(table)


def _run(work: Callable[[Connection, AuditSettings], Awaitable[int]], *, failed: int = 1) -> int:
    settings = load_settings(AuditSettings)

    async def connected() -> int:
        url = settings.audit_database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
            return await work(conn, settings)

    return run(connected(), failed=failed)

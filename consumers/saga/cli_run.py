"""Runs `paystream sagas`, and prints what came of it."""

import time
from collections.abc import Sequence
from uuid import UUID

from rich.table import Table
from rich.text import Text

from consumers.saga.admin import OPEN, SagaAdmin, ShownSaga
from consumers.saga.intake import by_kind
from consumers.saga.registry import SAGAS
from consumers.saga.store import ListedSaga
from event_store.command_line import run_with_connection
from infra.cli.output import console, moment_text, plain_table, print_json_lines, printable, shortened
from infra.postgres.pool import Connection

_LONGEST_TEXT = 160


def run_list(statuses: Sequence[str] | None, *, limit: int, as_json: bool) -> int:
    """Print a table; return the exit code."""
    chosen = statuses or OPEN

    async def work(conn: Connection) -> int:
        sagas = await _admin().list_sagas(conn, statuses=chosen, limit=limit)
        if as_json:
            print_json_lines(sagas)
            return 0
        if not sagas:
            print(f"No sagas that are {' or '.join(chosen)}.")
            return 0
        console().print(_table(sagas))
        if sagas[0].found > len(sagas):
            print(f"{sagas[0].found} in all; these are the oldest. More: --limit {sagas[0].found}")
        return 0

    return run_with_connection(work)


def run_show(saga_id: UUID) -> int:
    """Print a saga's history; return the exit code."""

    async def work(conn: Connection) -> int:
        _print(await _admin().show(conn, saga_id))
        return 0

    return run_with_connection(work)


def run_retry(saga_id: UUID, *, actor: str, reason: str) -> int:
    """Have a compensation tried again; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await _admin().retry(conn, saga_id, actor=actor, reason=reason, now=time.time()))
        return 0

    return run_with_connection(work)


def run_give_up(saga_id: UUID, *, actor: str, reason: str, force: bool) -> int:
    """Give a saga up; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await _admin().give_up(conn, saga_id, actor=actor, reason=reason, force=force))
        return 0

    return run_with_connection(work)


def _admin() -> SagaAdmin:
    return SagaAdmin(by_kind(SAGAS))


def _table(sagas: Sequence[ListedSaga]) -> Table:
    table = plain_table()
    for column in ("Saga", "Kind", "Status", "Since (UTC)", "Due (UTC)"):
        table.add_column(column, overflow="fold", no_wrap=True)
    table.add_column("Last error", overflow="fold")
    for saga in sagas:
        table.add_row(
            *(Text(each) for each in (str(saga.saga_id), saga.kind, saga.status, moment_text(saga.status_since))),
            Text(moment_text(saga.due_at)),
            Text(shortened(saga.last_error or "-", _LONGEST_TEXT)),
        )
    return table


def _print(shown: ShownSaga) -> None:
    saga = shown.saga
    print(f"{saga.kind} {saga.saga_id}: {saga.status} since {moment_text(saga.status_since)} UTC")
    if saga.due_at is not None:
        print(f"Looked at again: {moment_text(saga.due_at)} UTC, or when something new comes")
    if saga.last_error is not None:
        print(f"Last step failed ({saga.failures} in a row): {shortened(saga.last_error, _LONGEST_TEXT)}")
    for each in shown.waits_for:
        print(f"Waits for {each}")
    table = plain_table()
    for column in ("At (UTC)", "Event", "By"):
        table.add_column(column, no_wrap=True)
    table.add_column("Says", overflow="fold")
    for event in shown.events:
        cells = (
            moment_text(event.recorded_at),
            event.type,
            event.metadata.actor,
            shortened(event.data.decode(), _LONGEST_TEXT),
        )
        table.add_row(*(Text(printable(each)) for each in cells))
    console().print(table)

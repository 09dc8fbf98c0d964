"""`paystream reconcile` and `paystream discrepancies`: the two books side by side, for finance."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from infra import declared
from infra.cli.amounts import shown
from infra.desk import FinanceDesk, ListedDiscrepancy, ReconciliationResult, Told
from infra.errors import InfraError
from infra.log_render import mask_text
from infra.postgres import Connection
from infra.settings import DatabaseSettings, load_settings

_DESK = "reconciliation"
_WIDTH_OF_A_PIPE = 1000  # a line for each discrepancy
_STAGES = {
    "ledger": "Waiting for the ledger",
    "reading": "Reading Stripe's books",
    "comparing": "Comparing both books",
    "payouts": "Adding up payouts",
    "looking": "Looking closer",
    "waiting": "Another process is at it",
}


def run_reconcile(day: date | None, *, who: str) -> int:
    """Compare a day and print what came of it; 1 when differences are open, of any day, or there is no result."""
    return _reconcile(lambda desk, told: desk.reconcile(day, who=who, told=told))


def run_report(path: Path, *, kind: str | None, time_zone: str | None, who: str) -> int:
    """Compare a report of Stripe's and print what came of it; the exit code is as above."""
    return _reconcile(
        lambda desk, told: desk.reconcile_report(path, kind=kind, time_zone=time_zone, who=who, told=told)
    )


def run_list(statuses: Sequence[str], *, day: date | None, kind: str | None, limit: int) -> int:
    """Print a table; return the exit code."""

    async def work(desk: FinanceDesk, conn: Connection) -> int:
        found = await desk.list_discrepancies(conn, statuses=statuses, day=day, kind=kind, limit=limit)
        if not found:
            print(f"No discrepancies that are {' or '.join(statuses)}.")
            return 0
        _console().print(_discrepancies(found))
        _tell_of_more(found)
        return 0

    return _with_connection(work)


def run_explain(discrepancy_id: UUID, *, who: str, why: str) -> int:
    """Record why a discrepancy may be there; return the exit code."""

    async def work(desk: FinanceDesk, conn: Connection) -> int:
        print(await desk.explain(conn, discrepancy_id, who=who, why=why))
        return 0

    return _with_connection(work)


def run_resolve(discrepancy_id: UUID, *, who: str, why: str) -> int:
    """Record that a discrepancy is gone; return the exit code."""

    async def work(desk: FinanceDesk, conn: Connection) -> int:
        print(await desk.resolve(conn, discrepancy_id, who=who, why=why))
        return 0

    return _with_connection(work)


def _reconcile(ask: Callable[[FinanceDesk, Told], Awaitable[ReconciliationResult]]) -> int:
    async def work() -> int:
        desk: FinanceDesk = declared.load(declared.DESKS, _DESK)()
        with _bar() as told:
            result = await ask(desk, told)
        _print(result)
        return 1 if result.failure or result.open or result.open_elsewhere else 0

    return _guarded(work())


def _with_connection(work: Callable[[FinanceDesk, Connection], Awaitable[int]]) -> int:
    settings = load_settings(DatabaseSettings)

    async def connected() -> int:
        desk: FinanceDesk = declared.load(declared.DESKS, _DESK)()
        url = settings.database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
            return await work(desk, conn)

    return _guarded(connected())


def _guarded(work: Awaitable[int]) -> int:
    # A person reads what it prints; what a process logs is of no use here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    async def awaited() -> int:
        return await work

    try:
        return asyncio.run(awaited())
    except psycopg.errors.UndefinedTable:
        reason = "the database lacks a table. Remedy: paystream migrate"
    except psycopg.Error as error:
        reason = f"the database refused: {mask_text(str(error).strip())}"
    except (InfraError, declared.NotDeclared) as error:
        reason = str(error)
    print(f"paystream: {reason}", file=sys.stderr)
    return 1


@contextmanager
def _bar() -> Iterator[Told]:
    """Show a bar on the standard error stream, where it is a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=None)

        def told(stage: str, done: int, total: int | None) -> None:
            progress.update(task, description=_STAGES.get(stage, stage), completed=done, total=total)

        yield told


def _print(result: ReconciliationResult) -> None:
    console = _console()
    books = f"the report {_printable(result.report)}" if result.report else "Stripe"
    console.print(
        f"Reconciliation of {result.date} ({result.time_zone}) with {books}, run {result.number}", style="bold"
    )
    if result.failure:
        console.print(f"There is no result: {mask_text(result.failure)}")
        return
    if result.totals:
        console.print(_totals(result))
    else:
        console.print("There are no rows of that day in either book.")
    if result.payouts:
        console.print(f"Payouts compared with what they pay: {result.payouts}")
    found = ", ".join(f"{kind} {count}" for kind, count in sorted(result.found.items())) or "none"
    console.print(f"Differences: {found}. New: {result.opened}. Resolved: {result.resolved}.")
    if result.healing:
        console.print(f"Completed from Stripe, for what a webhook or a poll did not bring: {result.healing}.")
    if result.open:
        console.print(f"Open: {result.open[0].found}", style="bold")
        console.print(_discrepancies(result.open))
        _tell_of_more(result.open)
    elif not result.open_elsewhere:
        console.print("Nothing is open.", style="bold")
    if result.open_elsewhere:
        console.print(f"Open of other days: {result.open_elsewhere}. See: paystream discrepancies list")


def _totals(result: ReconciliationResult) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Currency")
    for column in ("Stripe: rows", "amount", "fees", "Ledger: rows", "amount", "fees", "Difference"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in result.totals:
        difference = (each.stripe_amount - each.stripe_fee) - (each.ledger_amount - each.ledger_fee)
        table.add_row(
            each.currency,
            f"{each.stripe_rows:,}",
            shown(each.stripe_amount, each.currency),
            shown(each.stripe_fee, each.currency),
            f"{each.ledger_rows:,}",
            shown(each.ledger_amount, each.currency),
            shown(each.ledger_fee, each.currency),
            Text(shown(difference, each.currency), style="red" if difference else ""),
        )
    return table


def _discrepancies(found: Sequence[ListedDiscrepancy]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Discrepancy", "Day", "Kind", "Source", "Category", "Stripe", "Ledger", "Status"):
        table.add_column(column, no_wrap=True)
    table.add_column("Who and why", overflow="fold")
    for each in found:
        said = "-" if each.who is None else f"{each.who}: {each.why}"
        table.add_row(
            str(each.discrepancy_id),
            each.date.isoformat(),
            each.kind,
            _printable(each.source_id),
            _printable(each.category),
            _entry(each.stripe_amount, each.stripe_fee, each.stripe_currency),
            _entry(each.ledger_amount, each.ledger_fee, each.ledger_currency),
            each.status,
            _printable(said),
        )
    return table


def _entry(amount: int | None, fee: int | None, currency: str | None) -> str:
    if amount is None or currency is None:
        return "-"
    return shown(amount, currency) + ("" if fee is None else f" (fee {shown(fee, currency)})")


def _tell_of_more(found: Sequence[ListedDiscrepancy]) -> None:
    if found[0].found > len(found):
        print(f"{found[0].found} in all. All of them: paystream discrepancies list --limit {found[0].found}")


def _printable(text: str) -> str:
    return mask_text("".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text))


def _console() -> Console:
    width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    return Console(width=width, highlight=False, markup=False, emoji=False)

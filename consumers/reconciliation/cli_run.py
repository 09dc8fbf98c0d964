"""Runs `paystream reconcile` and `paystream discrepancies`, and prints the result."""

import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from consumers.reconciliation.admin import ReconciliationAdmin
from consumers.reconciliation.operators import assign, explain, resolve
from consumers.reconciliation.plan import RunProgress
from consumers.reconciliation.results import ListedDiscrepancy, ListedEntry, ReconciliationResult
from domain.ids import DiscrepancyId
from domain.money import SignedMoney
from event_store.command_line import run, run_with_connection
from infra.cli.exit_codes import COULD_NOT_LOOK
from infra.cli.output import console, format_amount, plain_table, print_json_lines, printable
from infra.log_render import mask_text
from infra.postgres.pool import Connection

_STAGES = {
    "ledger": "Waiting for the ledger",
    "reading": "Reading Stripe's statement",
    "comparing": "Comparing both sides",
    "payouts": "Adding up payouts",
    "looking": "Looking closer",
    "waiting": "Another process is at it",
}


def run_reconcile(day: date | None, *, actor: str) -> int:
    """Compare a day and print the result; 1 when differences are open, of any day, or there is no result."""
    return _reconcile(lambda admin, progress: admin.reconcile(day, actor=actor, progress=progress))


def run_report(path: Path, *, kind: str | None, time_zone: str | None, actor: str) -> int:
    """Compare a report that Stripe made and print the result; the exit code is as above."""
    return _reconcile(
        lambda admin, progress: admin.reconcile_report(
            path, kind=kind, time_zone=time_zone, actor=actor, progress=progress
        )
    )


def run_list(statuses: Sequence[str], *, day: date | None, kind: str | None, limit: int, as_json: bool) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection) -> int:
        found = await ReconciliationAdmin().list_discrepancies(conn, statuses=statuses, day=day, kind=kind, limit=limit)
        if as_json:
            print_json_lines(found)
            return 0
        if not found:
            print(f"No discrepancies that are {' or '.join(statuses)}.")
            return 0
        console().print(_discrepancies(found))
        _print_count_of_all(found)
        return 0

    return run_with_connection(work)


def run_explain(discrepancy_id: DiscrepancyId, *, actor: str, reason: str) -> int:
    """Record why a discrepancy may be there; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await explain(conn, discrepancy_id, actor=actor, reason=reason))
        return 0

    return run_with_connection(work)


def run_resolve(discrepancy_id: DiscrepancyId, *, actor: str, reason: str) -> int:
    """Record that a discrepancy is gone; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await resolve(conn, discrepancy_id, actor=actor, reason=reason))
        return 0

    return run_with_connection(work)


def run_assign(discrepancy_id: DiscrepancyId, *, assignee: str | None, actor: str, reason: str | None) -> int:
    """Record who looks into a discrepancy; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await assign(conn, discrepancy_id, assignee=assignee, actor=actor, reason=reason))
        return 0

    return run_with_connection(work)


def _reconcile(ask: Callable[[ReconciliationAdmin, RunProgress], Awaitable[ReconciliationResult]]) -> int:
    async def work() -> int:
        with _bar() as report:
            result = await ask(ReconciliationAdmin(), report)
        _print(result)
        return 1 if result.failure or result.open or result.open_elsewhere else 0

    return run(work(), failed=COULD_NOT_LOOK)


@contextmanager
def _bar() -> Iterator[RunProgress]:
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

        def report(stage: str, done: int, total: int | None = None) -> None:
            progress.update(task, description=_STAGES.get(stage, stage), completed=done, total=total)

        yield report


def _print(result: ReconciliationResult) -> None:
    out = console()
    statement = f"the report {printable(result.report)}" if result.report else "Stripe"
    out.print(
        f"Reconciliation of {result.date} ({result.time_zone}) with {statement}, run {result.number}", style="bold"
    )
    if result.failure:
        out.print(f"There is no result: {mask_text(result.failure)}")
        return
    if result.totals:
        out.print(_totals(result))
    else:
        out.print("There are no rows of that day on either side.")
    if result.payouts:
        out.print(f"Payouts compared with what they pay: {result.payouts}")
    found = ", ".join(f"{kind} {count}" for kind, count in sorted(result.found.items())) or "none"
    out.print(f"Differences: {found}. New: {result.opened}. Resolved: {result.resolved}.")
    for remark in _remarks(result):
        out.print(remark)
    if result.open:
        out.print(f"Open: {result.open[0].found}", style="bold")
        out.print(_discrepancies(result.open))
        _print_count_of_all(result.open)
    elif not result.open_elsewhere:
        out.print("Nothing is open.", style="bold")
    if result.open_elsewhere:
        out.print(f"Open of other days: {result.open_elsewhere}. See: paystream discrepancies list")


def _remarks(result: ReconciliationResult) -> Iterator[str]:
    """Give what is worth a word besides the differences."""
    for each in result.totals:
        if each.foreign_rows:
            amount, fee = (format_amount(cents, each.currency) for cents in (each.foreign_amount, each.foreign_fee))
            yield (
                f"Of another system in the same account (without our metadata): {each.foreign_rows:,} of Stripe's "
                f"rows, {amount} with fees of {fee}."
            )
    if result.repeated:
        yield f"Rows that the report has once more, counted once: {result.repeated:,}."
    if result.backfilled:
        yield f"Completed from Stripe, for what a webhook or a poll did not bring: {result.backfilled}."


def _totals(result: ReconciliationResult) -> Table:
    table = plain_table()
    table.add_column("Currency")
    for column in ("Stripe: rows", "amount", "fees", "Ledger: rows", "amount", "fees", "Difference"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in result.totals:
        table.add_row(
            each.currency,
            f"{each.stripe_rows:,}",
            format_amount(each.stripe_amount, each.currency),
            format_amount(each.stripe_fee, each.currency),
            f"{each.ledger_rows:,}",
            format_amount(each.ledger_amount, each.currency),
            format_amount(each.ledger_fee, each.currency),
            Text(format_money(each.difference), style="" if each.difference.is_zero else "red"),
        )
    return table


def _discrepancies(found: Sequence[ListedDiscrepancy]) -> Table:
    table = plain_table()
    for column in ("Discrepancy", "Day", "Difference", "Source", "Category", "Stripe", "Ledger", "Status"):
        table.add_column(column, no_wrap=True)
    table.add_column("Who and why", overflow="fold")
    for each in found:
        said = "-" if each.actor is None else f"{each.actor}: {each.reason}"
        table.add_row(
            str(each.discrepancy_id),
            each.date.isoformat(),
            each.kind,
            printable(each.source_id),
            printable(each.category),
            _entry(each.stripe),
            _entry(each.ledger),
            each.status,
            printable(said),
        )
    return table


def _entry(entry: ListedEntry | None) -> str:
    if entry is None:
        return "-"
    return format_money(entry.amount) + ("" if entry.fee is None else f" (fee {format_money(entry.fee)})")


def format_money(money: SignedMoney) -> str:
    """Return an amount as people write it."""
    return format_amount(money.amount_cents, money.currency)


def _print_count_of_all(found: Sequence[ListedDiscrepancy]) -> None:
    if found[0].found > len(found):
        print(f"{found[0].found} in all. All of them: paystream discrepancies list --limit {found[0].found}")

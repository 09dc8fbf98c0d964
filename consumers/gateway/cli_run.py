"""Runs `paystream tasks` and `paystream payments`, and prints what came of it."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from consumers.gateway.operators import ListedTask, TaskAdmin
from domain.ids import EventId, PaymentId
from event_store.command_line import run_with_connection
from infra.cli.output import console, moment_text, plain_table, print_json_lines, shortened
from infra.postgres.pool import Connection

_LONGEST_ERROR = 100


def run_list(statuses: Sequence[str], *, payment_id: PaymentId | None, limit: int, as_json: bool) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection) -> int:
        tasks = await TaskAdmin().list_tasks(conn, statuses=statuses, payment_id=payment_id, limit=limit)
        if as_json:
            print_json_lines(tasks)
            return 0
        if not tasks:
            print(f"No tasks that are {' or '.join(statuses)}.")
            return 0
        console().print(_table(tasks))
        if tasks[0].found > len(tasks):
            print(f"{tasks[0].found} in all; these are the oldest. More: --limit {tasks[0].found}")
        return 0

    return run_with_connection(work)


def run_retry(event_id: EventId, *, actor: str, reason: str) -> int:
    """Have a task tried again; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await TaskAdmin().retry(conn, event_id, actor=actor, reason=reason))
        return 0

    return run_with_connection(work)


def run_give_up(event_id: EventId, *, actor: str, reason: str, force: bool) -> int:
    """Give a task up; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await TaskAdmin().give_up(conn, event_id, actor=actor, reason=reason, force=force))
        return 0

    return run_with_connection(work)


def run_accept(payment_id: PaymentId, *, actor: str, reason: str) -> int:
    """Believe Stripe; return the exit code."""

    async def work(conn: Connection) -> int:
        print(await TaskAdmin().accept(conn, payment_id, actor=actor, reason=reason))
        return 0

    return run_with_connection(work)


def _table(tasks: Sequence[ListedTask]) -> Table:
    table = plain_table()
    for column in ("Task", "Payment", "Operation", "Status"):
        table.add_column(column, overflow="fold", no_wrap=True)
    table.add_column("Tries", justify="right")
    for column in ("Since (UTC)", "Due (UTC)"):
        table.add_column(column, no_wrap=True)
    table.add_column("Last error", overflow="fold")
    for task in tasks:
        over = task.status in {"dead", "done"}
        table.add_row(
            *(Text(each) for each in (str(task.event_id), str(task.payment_id), task.operation, task.status)),
            Text(str(task.attempts)),
            Text(moment_text(task.created_at)),
            Text("-" if over else moment_text(task.due_at)),
            Text(shortened(task.last_error or "-", _LONGEST_ERROR)),
        )
    return table

"""A payment's history on a terminal."""

from collections.abc import Iterator

import orjson
from rich.console import Console
from rich.text import Text

from infra.cli.output import format_amount, plain_table, printable
from projections.audit.history import PaymentHistory, Step
from schemas.http.times import timestamp

_WHEN = "at"


def print_history(history: PaymentHistory, console: Console) -> None:
    """Print it: a block for each event."""
    first, last = history.steps[0], history.steps[-1]
    console.print(Text(f"Payment {history.payment_id} of {printable(history.merchant_id)}: {last.status}", "bold"))
    console.print(f"{len(history.steps)} events, from {timestamp(first.at)} to {timestamp(last.at)}\n")
    table = plain_table()
    for column in ("Position", "At", "Event", "By", "Because of", "What changed", "Money after it"):
        table.add_column(column, overflow="fold")
    for step in history.steps:
        cells = (
            str(step.position),
            timestamp(step.at),
            f"{step.version}. {step.type}",
            step.actor,
            _cause(step),
            "\n".join(_changes(step)) or "-",
            _money(step, history.currency),
        )
        table.add_row(*(Text(_lines(cell)) for cell in cells))
    console.print(table)


def _cause(step: Step) -> str:
    causes = []
    if step.caused_by is not None:
        causes.append(f"event {step.caused_by}")
    elif step.causation_id is not None:
        causes.append(step.causation_id)
    if step.request_id is not None:
        causes.append(f"request {step.request_id}")
    return "\n".join(causes) or f"correlation {step.correlation_id}"


def _changes(step: Step) -> Iterator[str]:
    if step.version == 1:
        yield "(the payment began)"
        return
    for change in step.changes:
        yield f"{change.field}: {_short(change.before)} -> {_short(change.after)}"


def _money(step: Step, currency: str) -> str:
    money = step.money
    parts = [
        ("held", money.capturable_cents),
        ("captured", money.captured_cents),
        ("refund pending", money.refund_pending_cents),
        ("refunded", money.refunded_cents),
        ("disputed", money.disputed_cents),
    ]
    return "\n".join(f"{format_amount(cents, currency)} {name}" for name, cents in parts if cents) or "-"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


_LONGEST = 120

"""How tables, amounts and foreign text are shown on a terminal, or in a pipe."""

import dataclasses
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from domain.currencies import decimals
from infra.log_render import mask_text

_WIDTH_OF_A_PIPE = 1000  # a line for each row
_SHOW_EVERY_S = 1.0


def console() -> Console:
    """Return the standard output, which takes text as it is."""
    width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    return Console(width=width, highlight=False, markup=False, emoji=False)


def plain_table() -> Table:
    """Return an empty table as commands print them: bold headers, no lines."""
    return Table(box=None, header_style="bold", pad_edge=False)


def moment_text(moment: datetime | None) -> str:
    """Return a moment to the second in UTC, which the header of its column says; `-` for none."""
    return "-" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def shortened(text: str, most_chars: int) -> str:
    """Return text that is `printable`, cut where it is long."""
    text = printable(text)
    return text if len(text) <= most_chars else f"{text[:most_chars]}..."


def printable(text: str) -> str:
    """Return text that shows what it has: nothing in it moves the cursor, and no secret is in it."""
    return mask_text("".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text))


def format_amount(amount_cents: int, currency: str) -> str:
    """Return an amount in the currency's smallest unit as Stripe counts it, as people write it: 10.00 USD.

    In whole numbers: a float rounds from 16 digits on, which the sums of a day can have.
    """
    places = decimals(currency)
    whole, fraction = divmod(abs(amount_cents), 10**places)
    sign = "-" if amount_cents < 0 else ""
    return f"{sign}{whole:,}.{fraction:0{places}} {currency}" if places else f"{sign}{whole:,} {currency}"


def json_text(value: Any, *, indent: bool = False) -> str:
    """Return JSON; what it has no type for becomes a string."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | (orjson.OPT_INDENT_2 if indent else 0), default=str).decode()


def print_json_lines(rows: Iterable[Any], *, but: Collection[str] = ("found",), as_it_is: Collection[str] = ()) -> None:
    """Print a line of JSON for each row, a dataclass or an object, with its members but some; no secret is in it.

    `found`, how many rows there are in all, is of the list and not of a row. `as_it_is`: what looks like a secret and
    is none, as the beginning of a key.
    """
    for row in rows:
        members = dict(row) if isinstance(row, Mapping) else dataclasses.asdict(row)
        shown = {name: value for name, value in members.items() if name not in but}
        print(json_text({name: value if name in as_it_is else _masked(value) for name, value in shown.items()}))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    return value


class ProgressLine:
    """A line on a terminal that is written over; nothing in a pipe."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._at = 0.0

    def show(self, text: str) -> None:
        """Show how far it has come, once a second."""
        if self._shows and time.monotonic() - self._at >= _SHOW_EVERY_S:
            self._at = time.monotonic()
            print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shows and self._at:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)

"""Runs `paystream dlq`, and prints what came of it."""

import asyncio
import time
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from infra.cli.execute import run_with_connection
from infra.cli.output import console, printable
from infra.kafka.consumer.dead_letters.letter import DeadLetter, Status
from infra.kafka.consumer.dead_letters.operators import (
    Filter,
    ask_for_replay,
    discard,
    is_resolved,
    list_letters,
    load,
    open_of_same_stream,
)
from infra.postgres.pool import Connection

_LONGEST_VALUE = 2000
_LONGEST_HEADER = 200
_LONGEST_ERROR_LISTED = 80
_LOOK_EVERY_S = 0.2


def run_list(chosen: Filter) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection) -> int:
        letters, count = await list_letters(conn, chosen)
        if not letters:
            print("No dead letters." if chosen.resolved else "No open dead letters.")
            return 0
        console().print(_table(letters))
        if count > len(letters):
            print(f"{count} in all; these are the oldest. More: --limit {count}")
        return 0

    return run_with_connection(work)


def run_show(letter_id: int, *, full: bool) -> int:
    """Print all that is known of one; return the exit code."""

    async def work(conn: Connection) -> int:
        letter = (await load(conn, [letter_id]))[letter_id]
        queue = await open_of_same_stream(conn, letter_id)
        _show(letter, queue, longest=None if full else _LONGEST_VALUE)
        return 0

    return run_with_connection(work)


def run_replay(ids: Sequence[int], *, stream: str | None, all_of: str | None, who: str, wait_s: float) -> int:
    """Ask for replays, wait for what becomes of them, and say so; 0 when all were applied."""

    async def work(conn: Connection) -> int:
        before = await load(conn, ids)
        for letter in before.values():
            if is_resolved(letter):
                print(_resolved(letter))
        asked = await ask_for_replay(conn, who=who, ids=ids, stream=stream, all_of=all_of)
        if not asked:
            print("Nothing to replay.")
            return 0
        before = await load(conn, asked)
        print(f"Asked for the replay of {len(asked)} dead letters. The running consumer applies them.")
        after = await _wait(conn, asked, wait_s)
        outcomes = [await _outcome(conn, before[each], after[each]) for each in asked]
        for line in outcomes:
            print(line)
        return 0 if all(letter.status is Status.APPLIED for letter in after.values()) else 1

    return run_with_connection(work)


def run_discard(letter_id: int, *, who: str, why: str) -> int:
    """Give one up; return the exit code."""

    async def work(conn: Connection) -> int:
        await discard(conn, letter_id, who=who, why=why)
        print(f"Dead letter {letter_id} is discarded.")
        letter = (await load(conn, [letter_id]))[letter_id]
        if queue := await open_of_same_stream(conn, letter_id):
            print(f"{len(queue)} later records of its stream wait. To apply them: paystream dlq replay {queue[0]}")
        elif letter.stream is not None:
            print("Nothing else of its stream waits.")
        return 0

    return run_with_connection(work)


async def _wait(conn: Connection, ids: Sequence[int], wait_s: float) -> dict[int, DeadLetter]:
    """Return the dead letters once none waits for its replay any more, or the time is over."""
    deadline = time.monotonic() + wait_s
    while True:
        letters = await load(conn, ids)
        waiting = any(letter.status is Status.REPLAYING for letter in letters.values())
        if not waiting or time.monotonic() > deadline:
            return letters
        await asyncio.sleep(_LOOK_EVERY_S)


async def _outcome(conn: Connection, before: DeadLetter, letter: DeadLetter) -> str:
    if is_resolved(letter):
        return _resolved(letter)
    if letter.status is Status.REPLAYING:
        return (
            f"{letter.id}  not yet: {letter.consumer} has not come to it. It will be applied when one that runs has "
            f"{letter.topic}/{letter.partition}."
        )
    if letter.attempts > before.attempts:
        return f"{letter.id}  failed again: {_fault(letter)}"
    first, *_ = await open_of_same_stream(conn, letter.id) or [letter.id]
    blocking = (await load(conn, [first]))[first]
    return f"{letter.id}  still waits behind {first}, which failed again: {_fault(blocking)}"


def _resolved(letter: DeadLetter) -> str:
    return f"{letter.id}  {letter.status} by {_printable(letter.resolved_by)}: {_printable(letter.resolution)}"


def _table(letters: Sequence[DeadLetter]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("ID", "Status", "Consumer", "Record", "Stream"):
        table.add_column(column, overflow="fold", no_wrap=column in {"ID", "Status"})
    table.add_column("Failed at (UTC)", no_wrap=True)
    table.add_column("Tries", justify="right")
    table.add_column("Why", overflow="fold")
    for letter in letters:
        table.add_row(
            *(Text(each) for each in (str(letter.id), letter.status.value, letter.consumer, _record(letter))),
            Text(_printable(letter.stream)),
            Text(f"{letter.failed_at:%Y-%m-%d %H:%M:%S}"),
            Text(str(letter.attempts)),
            Text(_cut(f"{letter.reason.value}: {_fault(letter)}", _LONGEST_ERROR_LISTED)),
        )
    return table


def _show(letter: DeadLetter, queue: Sequence[int], *, longest: int | None) -> None:
    before = [str(each) for each in queue[: queue.index(letter.id)]] if letter.id in queue else []
    behind = [str(each) for each in queue[len(before) + 1 :]] if letter.id in queue else []
    facts = {
        "Status": letter.status.value,
        "Consumer": letter.consumer,
        "Record": f"{_record(letter)}, of {letter.kafka_timestamp:%Y-%m-%d %H:%M:%S} UTC",
        "Position": "could not be read" if letter.position is None else str(letter.position),
        "Stream": _printable(letter.stream),
        "Why": f"{letter.reason.value}: {_fault(letter)}",
        "Tries": f"{letter.attempts}, the last at {letter.failed_at:%Y-%m-%d %H:%M:%S} UTC",
        "Lacking in": ", ".join(letter.lacking) or "-",
        "Waits behind": ", ".join(before) or "-",
        "Behind it": ", ".join(behind) or "-",
        "Announced": "not yet" if letter.announced_at is None else f"{letter.announced_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    if is_resolved(letter):
        facts["Resolved"] = f"by {_printable(letter.resolved_by)}: {_printable(letter.resolution)}"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        table.add_row(name, Text(fact))
    table.add_row("Key", Text(_printable(letter.key)))
    for name, raw in letter.headers:
        table.add_row("Header", Text(f"{_printable(name)}: {_cut(_printable(raw), _LONGEST_HEADER)}"))
    console().print(table)
    value = _printable(letter.value)
    print("", value if longest is None else _cut(value, longest), sep="\n")


def _record(letter: DeadLetter) -> str:
    return f"{letter.topic}/{letter.partition} @ {letter.kafka_offset}"


def _fault(letter: DeadLetter) -> str:
    return _printable(": ".join(part for part in (letter.error_type, letter.error) if part))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def _printable(text: str | bytes | None) -> str:
    """Return text that does nothing to a terminal, without secrets and card numbers."""
    if text is None:
        return "-"
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    return printable(text)

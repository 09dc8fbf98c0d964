"""Runs `paystream dlq`, and prints what came of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from rich.table import Table
from rich.text import Text

from infra.cli.execute import run_with_connection
from infra.cli.output import console, plain_table, print_json_lines, printable
from infra.errors import WrongOption
from infra.kafka.consumer.dead_letters.admin import DeadLetterAdmin, Filter
from infra.kafka.consumer.dead_letters.dead_letter import DeadLetter, Status
from infra.postgres.pool import Connection
from infra.process import declared

_LONGEST_VALUE = 2000
_LONGEST_HEADER = 200
_LONGEST_ERROR_LISTED = 80
_LOOK_EVERY_S = 0.2
_OF_THE_RECORD = ("key", "value", "headers")  # bytes of anybody: `show` has them


_PROJECTOR = "projector"  # a consumer that is no worker


class UnknownConsumer(WrongOption):
    """There is no consumer of that name, and no dead letter of one: it may be misspelt."""


def run_list(chosen: Filter, *, as_json: bool) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection) -> int:
        admin = DeadLetterAdmin(conn)
        dead_letters, count = await admin.list_dead_letters(chosen)
        if not dead_letters:
            await _require_known(admin, chosen.consumer)
        if as_json:
            print_json_lines(dead_letters, but=_OF_THE_RECORD)
            return 0
        if not dead_letters:
            print("No dead letters." if chosen.resolved else "No open dead letters.")
            return 0
        console().print(_table(dead_letters))
        if count > len(dead_letters):
            print(f"{count} in all; these are the oldest. More: --limit {count}")
        return 0

    return run_with_connection(work)


def run_show(dead_letter_id: int, *, full: bool) -> int:
    """Print all that is known of one; return the exit code."""

    async def work(conn: Connection) -> int:
        admin = DeadLetterAdmin(conn)
        dead_letter = (await admin.load([dead_letter_id]))[dead_letter_id]
        if dead_letter.value is not None:
            mask = declared.load(declared.MASKS, "personal-data")
            dead_letter = replace(dead_letter, value=await mask(conn, dead_letter.value))
        queue = await admin.open_of_same_stream(dead_letter_id)
        _show(dead_letter, queue, longest=None if full else _LONGEST_VALUE)
        return 0

    return run_with_connection(work)


def run_replay_preview(consumer: str, *, limit: int | None) -> int:
    """Print what a replay of all of a consumer would be about; return the exit code."""

    async def work(conn: Connection) -> int:
        admin = DeadLetterAdmin(conn)
        found = await admin.preview_replay(consumer, limit=limit)
        if not found:
            await _require_known(admin, consumer)
        print(f"{sum(each.count for each in found)} dead letters of {printable(consumer)} would be replayed.")
        for each in found:
            print(f"  {each.count}  {each.topic}: {each.reason}")
        return 0

    return run_with_connection(work)


def run_replay(
    ids: Sequence[int],
    *,
    stream: str | None,
    all_of: str | None,
    limit: int | None = None,
    actor: str,
    reason: str | None = None,
    wait_s: float,
) -> int:
    """Request replays, wait for them, and print what became of them; 0 when all were applied."""

    async def work(conn: Connection) -> int:
        admin = DeadLetterAdmin(conn)
        before = await admin.load(ids)
        for dead_letter in before.values():
            if dead_letter.is_resolved:
                print(_resolved(dead_letter))
        requested = await admin.request_replay(
            actor=actor, reason=reason, ids=ids, stream=stream, all_of=all_of, limit=limit
        )
        if not requested:
            await _require_known(admin, all_of)
            print("Nothing to replay.")
            return 0
        before = await admin.load(requested)
        print(f"Asked for the replay of {len(requested)} dead letters. The running consumer applies them.")
        after = await _wait(admin, requested, wait_s)
        outcomes = [await _outcome(admin, before[each], after[each]) for each in requested]
        for line in outcomes:
            print(line)
        return 0 if all(dead_letter.status is Status.APPLIED for dead_letter in after.values()) else 1

    return run_with_connection(work)


async def _require_known(admin: DeadLetterAdmin, consumer: str | None) -> None:
    """Raise UnknownConsumer: that there is no dead letter of a misspelt name says nothing."""
    known = sorted({*declared.names(declared.WORKERS), _PROJECTOR})
    if consumer is None or consumer in known:
        return
    _, count = await admin.list_dead_letters(Filter(consumer=consumer, resolved=True, limit=1))
    if not count:
        raise UnknownConsumer(f"There is no consumer {printable(consumer)}. There are: {', '.join(known)}.")


def run_discard(dead_letter_id: int, *, actor: str, reason: str) -> int:
    """Give one up; return the exit code."""

    async def work(conn: Connection) -> int:
        admin = DeadLetterAdmin(conn)
        await admin.discard(dead_letter_id, actor=actor, reason=reason)
        print(f"Dead letter {dead_letter_id} is discarded.")
        dead_letter = (await admin.load([dead_letter_id]))[dead_letter_id]
        if queue := await admin.open_of_same_stream(dead_letter_id):
            print(f"{len(queue)} later records of its stream wait. To apply them: paystream dlq replay {queue[0]}")
        elif dead_letter.stream is not None:
            print("Nothing else of its stream waits.")
        return 0

    return run_with_connection(work)


async def _wait(admin: DeadLetterAdmin, ids: Sequence[int], wait_s: float) -> dict[int, DeadLetter]:
    """Return the dead letters once none waits for its replay any more, or the time is over."""
    deadline = time.monotonic() + wait_s
    while True:
        dead_letters = await admin.load(ids)
        waiting = any(dead_letter.status is Status.REPLAYING for dead_letter in dead_letters.values())
        if not waiting or time.monotonic() > deadline:
            return dead_letters
        await asyncio.sleep(_LOOK_EVERY_S)


async def _outcome(admin: DeadLetterAdmin, before: DeadLetter, dead_letter: DeadLetter) -> str:
    if dead_letter.is_resolved:
        return _resolved(dead_letter)
    if dead_letter.status is Status.REPLAYING:
        return (
            f"{dead_letter.id}  not yet: {dead_letter.consumer} has not come to it. "
            f"It will be applied when one that runs has {dead_letter.topic}/{dead_letter.partition}."
        )
    if dead_letter.attempts > before.attempts:
        return f"{dead_letter.id}  failed again: {_fault(dead_letter)}"
    first, *_ = await admin.open_of_same_stream(dead_letter.id) or [dead_letter.id]
    blocking = (await admin.load([first]))[first]
    return f"{dead_letter.id}  still waits behind {first}, which failed again: {_fault(blocking)}"


def _resolved(dead_letter: DeadLetter) -> str:
    actor, reason = _printable(dead_letter.resolved_by), _printable(dead_letter.resolution)
    return f"{dead_letter.id}  {dead_letter.status} by {actor}: {reason}"


def _table(dead_letters: Sequence[DeadLetter]) -> Table:
    table = plain_table()
    for column in ("ID", "Status", "Consumer", "Record", "Stream"):
        table.add_column(column, overflow="fold", no_wrap=column in {"ID", "Status"})
    table.add_column("Failed at (UTC)", no_wrap=True)
    table.add_column("Tries", justify="right")
    table.add_column("Why", overflow="fold")
    for dead_letter in dead_letters:
        table.add_row(
            Text(str(dead_letter.id)),
            Text(dead_letter.status.value),
            Text(dead_letter.consumer),
            Text(_record(dead_letter)),
            Text(_printable(dead_letter.stream)),
            Text(f"{dead_letter.failed_at:%Y-%m-%d %H:%M:%S}"),
            Text(str(dead_letter.attempts)),
            Text(_cut(f"{dead_letter.reason.value}: {_fault(dead_letter)}", _LONGEST_ERROR_LISTED)),
        )
    return table


def _show(dead_letter: DeadLetter, queue: Sequence[int], *, longest: int | None) -> None:
    before = [str(each) for each in queue[: queue.index(dead_letter.id)]] if dead_letter.id in queue else []
    behind = [str(each) for each in queue[len(before) + 1 :]] if dead_letter.id in queue else []
    published = dead_letter.published_at
    fields = {
        "Status": dead_letter.status.value,
        "Consumer": dead_letter.consumer,
        "Record": f"{_record(dead_letter)}, of {dead_letter.kafka_timestamp:%Y-%m-%d %H:%M:%S} UTC",
        "Position": "could not be read" if dead_letter.position is None else str(dead_letter.position),
        "Stream": _printable(dead_letter.stream),
        "Why": f"{dead_letter.reason.value}: {_fault(dead_letter)}",
        "Tries": f"{dead_letter.attempts}, the last at {dead_letter.failed_at:%Y-%m-%d %H:%M:%S} UTC",
        "Lacking in": ", ".join(dead_letter.lacking) or "-",
        "Waits behind": ", ".join(before) or "-",
        "Behind it": ", ".join(behind) or "-",
        "Published": "not yet" if published is None else f"{published:%Y-%m-%d %H:%M:%S} UTC",
    }
    if dead_letter.requested_by is not None:
        reason = f": {_printable(dead_letter.replay_reason)}" if dead_letter.replay_reason else ""
        fields["Replay requested"] = f"by {_printable(dead_letter.requested_by)}{reason}"
    if dead_letter.is_resolved:
        fields["Resolved"] = f"by {_printable(dead_letter.resolved_by)}: {_printable(dead_letter.resolution)}"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in fields.items():
        table.add_row(name, Text(text))
    table.add_row("Key", Text(_printable(dead_letter.key)))
    for name, raw in dead_letter.headers:
        table.add_row("Header", Text(f"{_printable(name)}: {_cut(_printable(raw), _LONGEST_HEADER)}"))
    console().print(table)
    value = _printable(dead_letter.value)
    print("", value if longest is None else _cut(value, longest), sep="\n")


def _record(dead_letter: DeadLetter) -> str:
    return f"{dead_letter.topic}/{dead_letter.partition} @ {dead_letter.kafka_offset}"


def _fault(dead_letter: DeadLetter) -> str:
    return _printable(": ".join(part for part in (dead_letter.error_type, dead_letter.error) if part))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def _printable(text: str | bytes | None) -> str:
    """Return text that does nothing to a terminal, without secrets and card numbers."""
    if text is None:
        return "-"
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    return printable(text)

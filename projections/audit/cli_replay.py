"""Runs `paystream audit replay`."""

import sys
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import orjson
import psycopg

from domain.ids import MerchantId
from event_store.archive.one_log import OneLog
from event_store.command_line import run
from event_store.privacy.masking import masked
from event_store.replay.files import EventFile, ReplayRefused, WrongReplayOption, as_json, format_of, kept_selection
from event_store.replay.reading import Run, Selection, final_position, read_runs
from event_store.replay.topic import event_topic
from event_store.store import read_log_state
from infra.cli.output import printable
from infra.postgres.pool import Connection
from infra.settings.archive import ArchiveFolderSettings
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import AuditDatabaseSettings
from projections.audit.places import last_before, last_up_to, parse_place
from schemas.events.registry import EVENT_TYPES

_SHOW_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayRequest:
    """What of the log is asked for; `since` and `until` as a person wrote them."""

    since: str | None
    until: str | None
    merchant_id: str | None
    categories: tuple[str, ...] | None
    types: tuple[str, ...] | None
    as_recorded: bool = False
    """Personal data encrypted, as in the log; else, that it is encrypted or erased. A topic has it as recorded."""


class ReplaySettings(AuditDatabaseSettings, ArchiveFolderSettings):
    """What the command needs, but for a topic."""


def run_replay(request: ReplayRequest, *, into: Path | None, topic: str | None, force: bool) -> int:
    """Replay; return the exit code."""
    settings = load_settings(ReplaySettings)

    async def connected() -> int:
        _require_possible(request)
        if into is not None and topic is not None:
            raise WrongReplayOption("give --into or --topic, not both")
        if into is not None:
            format_of(into)
        url = settings.audit_database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
            log = await OneLog.open(conn, settings.archive_folder)
            selection = await _selection(conn, log, request, into)
            if into is not None:
                return await _into_file(conn, log, selection, into, request)
            async with AsyncExitStack() as stack:
                if topic is None:
                    return await _replay(conn, log, selection, _to_stdout, mask=not request.as_recorded)
                log_id = (await read_log_state(conn)).log_id
                target = await stack.enter_async_context(
                    event_topic(load_settings(KafkaSettings), topic, log_id, force=force)
                )
                return await _replay(conn, log, selection, target.add, where=f"in {topic}")

    return run(connected())


def _require_possible(request: ReplayRequest) -> None:
    """Refuse what no event can match: an empty file would say that there was none."""
    _require_known("category", request.categories, {each.category for each in EVENT_TYPES})
    _require_known("event type", request.types, {each.name for each in EVENT_TYPES})
    if request.since is None or request.until is None:
        return
    since, until = parse_place(request.since), parse_place(request.until)
    is_before = (isinstance(since, int) and isinstance(until, int) and until < since) or (
        isinstance(since, datetime) and isinstance(until, datetime) and until < since
    )
    if is_before:
        raise WrongReplayOption(f"the end, {request.until}, is before the beginning, {request.since}")


def _require_known(what: str, given: Sequence[str] | None, known: Collection[str]) -> None:
    for name in given or ():
        if name not in known:
            similar = get_close_matches(name, known)
            others = f"Similar: {', '.join(similar)}" if similar else f"There are: {', '.join(sorted(known))}"
            raise WrongReplayOption(f"There is no {what} {name}. {others}.")


async def _selection(conn: Connection, log: OneLog, request: ReplayRequest, into: Path | None) -> Selection:
    """Return what to read. The end stays where it was for a file that was begun: so it can be gone on with."""
    kept = None if into is None else kept_selection(into)
    if kept is not None and kept.get("until") == request.until:
        up_to = int(kept["up_to"])
    else:
        up_to = await final_position(conn)
        if request.until is not None:
            up_to = min(up_to, await last_up_to(log, conn, parse_place(request.until)))
    return Selection(
        after=0 if request.since is None else await last_before(log, conn, parse_place(request.since)),
        up_to=up_to,
        categories=request.categories,
        types=request.types,
        merchant_id=None if request.merchant_id is None else MerchantId(request.merchant_id),
    )


async def _into_file(conn: Connection, log: OneLog, selection: Selection, into: Path, request: ReplayRequest) -> int:
    try:
        file = EventFile(into, selection, options={"until": request.until, "as_recorded": request.as_recorded})
        rest = Selection(
            after=file.position,
            up_to=selection.up_to,
            categories=selection.categories,
            types=selection.types,
            merchant_id=selection.merchant_id,
        )

        async def add(run: Run) -> None:
            file.add(run)

        goes_on = file.position != selection.after
        code = await _replay(conn, log, rest, add, mask=not request.as_recorded, where=f"in {into}", goes_on=goes_on)
        file.finish()
    except OSError as error:
        raise ReplayRefused(f"{into} cannot be written: {error.strerror or error}") from error
    return code


async def _to_stdout(run: Run) -> None:
    sys.stdout.buffer.writelines(
        orjson.dumps(as_json(event), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for event in run.events
    )


async def _replay(
    conn: Connection,
    log: OneLog,
    selection: Selection,
    add: Callable[[Run], Awaitable[None]],
    *,
    mask: bool = False,
    where: str | None = None,
    goes_on: bool = False,
) -> int:
    progress, count, position = _Progress(selection), 0, selection.after
    try:
        async for each in read_runs(conn, selection, log=log):
            await add(replace(each, events=await masked(conn, each.events)) if mask else each)
            count, position = count + len(each.events), each.position
            progress.show(position, each.count)
    except BaseException:
        if where is not None:
            remedy = f"the same again; for a topic, with --from {position + 1}"
            print(f"\nInterrupted behind position {position}. Remedy: {remedy}", file=sys.stderr)
        raise
    progress.end()
    if not count and not goes_on and selection.merchant_id is not None:
        said = f"No event of the merchant {printable(selection.merchant_id)} was found: check how it is written."
        print(said, file=sys.stderr)
    if where is not None:
        print(f"{count:,} events up to position {selection.up_to:,} are {where}.")
    return 0


class _Progress:
    """How far it has come, how fast, and how long it will take: on the terminal, or every ten seconds in a pipe."""

    def __init__(self, selection: Selection) -> None:
        self._first, self._last = selection.after, selection.up_to
        self._began = self._shown = time.monotonic()
        self._looked_at = 0
        self._on_terminal = sys.stderr.isatty()

    def show(self, position: int, looked_at: int) -> None:
        """Show it, if it was not shown just now."""
        self._looked_at += looked_at
        now = time.monotonic()
        if now - self._shown < (_SHOW_EVERY_S if self._on_terminal else 10 * _SHOW_EVERY_S):
            return
        self._shown = now
        rate = self._looked_at / (now - self._began)
        part = (position - self._first) / max(1, self._last - self._first)
        left_s = (now - self._began) * (1 - part) / part if part else 0.0
        text = (
            f"{self._looked_at:,} events, position {position:,} of {self._last:,}, {rate:,.0f}/s, {left_s:,.0f} s left"
        )
        print(f"\r\x1b[2K{text}" if self._on_terminal else text, end="" if self._on_terminal else "\n", file=sys.stderr)

    def end(self) -> None:
        """Take the line away."""
        if self._on_terminal:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)

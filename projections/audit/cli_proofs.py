"""Runs `paystream audit verify` and `prove`."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson
import psycopg

from event_store.archive.one_log import OneLog
from event_store.proofs.errors import ProofError
from event_store.proofs.note import PublicKey
from event_store.proofs.prove import NotSealed, Prover
from event_store.proofs.report import Finding, Verified
from event_store.proofs.statement import EventRow, event_document
from event_store.proofs.tile_folder import TileFolder
from event_store.proofs.verify import Source, Verification
from infra.cli.execute import run
from infra.cli.output import ProgressLine, printable
from infra.files import whole_file
from infra.postgres.pool import Connection
from infra.settings.archive import ArchiveFolderSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import AuditDatabaseSettings
from infra.settings.proofs import PublicKeysSettings
from projections.audit.cli_check import EVENT_SUFFIX, PROOF_SUFFIX, CheckRefused, public_keys, read_text
from projections.audit.places import last_before, parse_place


class ProofSettings(AuditDatabaseSettings, PublicKeysSettings, ArchiveFolderSettings):
    """What the commands need."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyRequest:
    """What is to be compared; `since` as a person wrote it."""

    full: bool
    since: str | None
    checkpoints: tuple[Path, ...]
    keys: tuple[str, ...]
    as_json: bool


def run_verify(request: VerifyRequest) -> int:
    """Print what differs; return the exit code."""

    async def work(conn: Connection, settings: ProofSettings, folder: TileFolder) -> int:
        if request.full and request.since is not None:
            raise CheckRefused("give --full or --since, not both")
        others = [Source(where=str(path), written=read_text(path)) for path in request.checkpoints]
        log = await OneLog.open(conn, settings.archive_folder)
        since = None if request.since is None else await last_before(log, conn, parse_place(request.since)) + 1
        progress, count = ProgressLine(), 0

        def looked_at(events: int) -> None:
            nonlocal count
            count += events
            progress.show(f"{count:,} events")

        keys = _trusted(request.keys, settings)
        verification = Verification(conn, folder, keys, full=request.full, looked_at=looked_at, log=log)
        try:
            verified = await verification.run(since=since, others=others)
        finally:
            progress.clear()
        for found in verified.findings:
            print(_json(found) if request.as_json else _line(found))
        if not request.as_json:
            print(_summary(verified))
        return 1 if verified.findings else 0

    return _run(work)


def run_prove(identifier: str, output: Path) -> int:
    """Write the proofs; return the exit code."""

    async def work(conn: Connection, settings: ProofSettings, folder: TileFolder) -> int:
        event_or_payment = _uuid(identifier)
        rows = await (await OneLog.open(conn, settings.archive_folder)).rows_of(event_or_payment)
        if not rows:
            raise CheckRefused(f"there is no event and no stream {identifier}")
        checkpoint = await asyncio.to_thread(folder.checkpoint)
        if checkpoint is None:
            raise CheckRefused(f"nothing is sealed yet: {folder.path} has no checkpoint")
        waiting = await asyncio.to_thread(_write, rows, Prover(folder=folder, checkpoint=checkpoint), output)
        print(f"{len(rows) - len(waiting)} proofs are in {output}, each with its event beside it.")
        for reason in waiting:
            print(f"{reason}: nothing is proved of it. Remedy: the same again, in a moment")
        return 1 if waiting else 0

    return _run(work)


def _write(rows: Sequence[EventRow], prover: Prover, output: Path) -> list[str]:
    """Write what can be proved; return why the rest cannot yet."""
    waiting = list[str]()
    try:
        output.mkdir(parents=True, exist_ok=True)
        for row in rows:
            try:
                proof = prover.prove(row)
            except NotSealed as error:
                waiting.append(str(error))
                continue
            for suffix, text in ((EVENT_SUFFIX, event_document(row)), (PROOF_SUFFIX, str(proof))):
                with whole_file(output / f"{row[1]}{suffix}") as beside:
                    beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CheckRefused(f"{error.filename} cannot be used: {error.strerror}") from error
    return waiting


def _line(found: Finding) -> str:
    if found.event_id is None:
        where = "" if found.position is None else f"position {found.position}: "
        return printable(f"{found.kind}: {where}{found.detail}")
    return printable(
        f"{found.kind}: position {found.position}, event {found.event_id} of {found.stream_id}: {found.detail}"
    )


def _summary(verified: Verified) -> str:
    findings = len(verified.findings)
    looked = f"{verified.compared:,} of {verified.size:,} sealed events, up to position {verified.last_position:,}"
    said = f"{findings} findings in {looked}." if findings else f"Nothing differs: {looked}, are as they were sealed."
    if verified.unsealed:
        places = f"{verified.unsealed_from:,} to {verified.unsealed_to:,}"
        said += f"\n{verified.unsealed:,} events at positions {places} are not sealed yet: nothing is said of them."
    return said


def _trusted(given: Sequence[str], settings: ProofSettings) -> list[PublicKey]:
    if given:
        return public_keys(given)
    if settings.proofs_public_keys_file is None:
        raise CheckRefused("whose signature is trusted? Remedy: --key, or PROOFS_PUBLIC_KEYS_FILE")
    return public_keys([str(settings.proofs_public_keys_file)])


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CheckRefused(f"{text!r} is not the id of an event or a payment") from None


def _json(found: Finding) -> str:
    return orjson.dumps(dataclasses.asdict(found)).decode()


def _run(work: Callable[[Connection, ProofSettings, TileFolder], Awaitable[int]]) -> int:
    settings = load_settings(ProofSettings)

    async def connected() -> int:
        if settings.proofs_folder is None:
            raise CheckRefused("PROOFS_FOLDER is not set: where are the tiles of the log?")
        url = settings.audit_database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
            try:
                return await work(conn, settings, TileFolder(settings.proofs_folder))
            except OSError as error:
                raise ProofError(
                    f"{error.filename or settings.proofs_folder} cannot be read: {error.strerror}"
                ) from error

    return run(connected())

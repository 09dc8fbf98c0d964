"""Runs `paystream audit verify` and `prove`."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import orjson
import psycopg

from event_store.archive.one_log import OneLog
from event_store.command_line import run
from event_store.proofs.errors import ProofError
from event_store.proofs.note import Note, PublicKey
from event_store.proofs.prove import NotSealed, Prover, best_checkpoint
from event_store.proofs.report import Finding, Verified
from event_store.proofs.statement import EventRow, event_document
from event_store.proofs.stores import tile_store
from event_store.proofs.tile_store import TileStore
from event_store.proofs.verify import Source, Verification
from event_store.proofs.witnesses import Quorum, configured_witnesses
from infra.cli.exit_codes import COULD_NOT_LOOK
from infra.cli.output import ProgressLine, printable
from infra.errors import WrongSetting
from infra.files import whole_file
from infra.postgres.pool import Connection
from infra.settings.archive import ArchiveFolderSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import AuditDatabaseSettings
from infra.settings.proofs import PublicKeysSettings, WitnessesSettings
from projections.audit.cli_check import CheckRefused, WrongCheckOption, given_quorum, public_keys, read_text
from projections.audit.places import parse_place
from projections.audit.suffixes import EVENT_SUFFIX, PROOF_SUFFIX


class ProofSettings(AuditDatabaseSettings, PublicKeysSettings, WitnessesSettings, ArchiveFolderSettings):
    """What the commands need."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyRequest:
    """What is to be compared; `since` as a person wrote it."""

    full: bool
    since: str | None
    checkpoints: tuple[Path, ...]
    keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    quorum: int | None
    as_json: bool


def run_verify(request: VerifyRequest) -> int:
    """Print what differs; return the exit code."""

    async def work(conn: Connection, settings: ProofSettings, folder: TileStore) -> int:
        if request.full and request.since is not None:
            raise WrongCheckOption("give --full or --since, not both")
        others = [Source(where=str(path), written=read_text(path)) for path in request.checkpoints]
        log = await OneLog.open(conn, settings.archive_folder)
        since = None if request.since is None else parse_place(request.since)
        progress, count = ProgressLine(), 0

        def looked_at(events: int) -> None:
            nonlocal count
            count += events
            progress.show(f"{count:,} events")

        keys = _trusted(request.keys, settings)
        quorum = _quorum(request, settings)
        verification = Verification(conn, folder, keys, quorum=quorum, full=request.full, looked_at=looked_at, log=log)
        try:
            verified = await verification.run(since=since, others=others)
        finally:
            progress.clear()
        for found in verified.findings:
            print(_json(found) if request.as_json else _line(found))
        if not request.as_json:
            print(_summary(verified, quorum))
        return 1 if verified.findings else 0

    return _run(work, failed=COULD_NOT_LOOK)


def run_prove(identifier: str, output: Path) -> int:
    """Write the proofs; return the exit code."""

    async def work(conn: Connection, settings: ProofSettings, folder: TileStore) -> int:
        event_or_payment = _uuid(identifier)
        rows = await (await OneLog.open(conn, settings.archive_folder)).rows_of(event_or_payment)
        if not rows:
            raise CheckRefused(f"there is no event and no stream {identifier}")
        quorum = configured_witnesses(settings).quorum
        checkpoint = await best_checkpoint(conn, folder, quorum, last_position=rows[-1][0])
        if checkpoint is None:
            raise CheckRefused(f"nothing is sealed yet: {folder.where} has no checkpoint")
        waiting = await asyncio.to_thread(_write, rows, Prover(folder=folder, checkpoint=checkpoint), output)
        print(f"{len(rows) - len(waiting)} proofs are in {output}, each with its event beside it.")
        if quorum.keys:
            signers = ", ".join(each.name for each in Note.parse(checkpoint).verified_by(quorum.keys)) or "none"
            print(printable(f"{quorum.needed} of {len(quorum.keys)} witnesses are required; signed by: {signers}."))
        for reason in waiting:
            print(f"{reason}: nothing is proved of it. Remedy: the same again, in a moment")
        return 1 if waiting else 0

    return _run(work)


def _write(rows: Sequence[EventRow], prover: Prover, output: Path) -> list[str]:
    """Write what can be proved; return why the rest cannot yet."""
    waiting = list[str]()
    try:
        output.mkdir(exist_ok=True)
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


def _summary(verified: Verified, quorum: Quorum) -> str:
    findings = len(verified.findings)
    looked = f"{verified.compared:,} of {verified.size:,} sealed events, up to position {verified.last_position:,}"
    said = f"{findings} findings in {looked}." if findings else f"Nothing differs: {looked}, are as they were sealed."
    if quorum.keys:
        said += f"\n{_witnessed(verified, quorum)}"
    if verified.unsealed:
        places = f"{verified.unsealed_from:,} to {verified.unsealed_to:,}"
        said += f"\n{verified.unsealed:,} events at positions {places} are not sealed yet: nothing is said of them."
    return said


def _witnessed(verified: Verified, quorum: Quorum) -> str:
    names = {key.name for key in quorum.keys}
    signed = [f"{each.witness}: {each.size:,} at {each.at:%Y-%m-%dT%H:%M:%SZ}" for each in verified.cosigned]
    signed += [f"{name}: nothing" for name in sorted(names - {each.witness for each in verified.cosigned})]
    said = f"{quorum.needed} of {len(quorum.keys)} witnesses are required, and have signed the first "
    said += f"{verified.witnessed:,} events ({'; '.join(signed)})."
    if verified.witnessed < verified.size:
        said += f" {verified.size - verified.witnessed:,} sealed events behind them are the word of the key alone."
    return printable(said)


def _quorum(request: VerifyRequest, settings: ProofSettings) -> Quorum:
    if request.witnesses:
        return given_quorum(request.witnesses, request.quorum)
    found = configured_witnesses(settings).quorum
    if request.quorum is not None and request.quorum > len(found.keys):
        raise WrongCheckOption(f"--quorum {request.quorum} is more than there are witnesses: {len(found.keys)}")
    return found if request.quorum is None else replace(found, needed=request.quorum)


def _trusted(given: Sequence[str], settings: ProofSettings) -> list[PublicKey]:
    if given:
        return public_keys(given)
    if settings.proofs_public_keys_file is None:
        raise WrongCheckOption("whose signature is trusted? Remedy: --key, or PROOFS_PUBLIC_KEYS_FILE")
    return public_keys([str(settings.proofs_public_keys_file)])


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise WrongCheckOption(f"{text!r} is not the id of an event or a payment") from None


def _json(found: Finding) -> str:
    return orjson.dumps(dataclasses.asdict(found)).decode()


def _run(work: Callable[[Connection, ProofSettings, TileStore], Awaitable[int]], *, failed: int = 1) -> int:
    settings = load_settings(ProofSettings)

    async def connected() -> int:
        store = tile_store(settings)
        if store is None:
            raise WrongSetting("neither PROOFS_FOLDER nor PROOFS_BUCKET is set: where are the tiles of the log?")
        url = settings.audit_database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
            try:
                return await work(conn, settings, store)
            except OSError as error:
                raise ProofError(f"{error.filename or store.where} cannot be read: {error.strerror}") from error

    return run(connected(), failed=failed)

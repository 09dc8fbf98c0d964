"""Verifiers that others wrote accept our checkpoints, tiles and proofs, and refuse each with one byte changed."""

import base64
import random
from pathlib import Path

import pytest

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.log_rows import rows_after
from event_store.proofs.merkle import consistency_proof
from event_store.proofs.note import Note, PrivateKey
from event_store.proofs.prove import Prover
from event_store.proofs.statement import entry_of
from event_store.proofs.tlog_proof import TlogProof
from event_store.proofs.tree import TileReader
from event_store.store import Connection
from tests.clients import toolbox
from tests.clients.toolbox import CommandFailed, run
from tests.support.database import Database
from tests.support.sealed_logs import KEY, SealedLog, sealed_log
from tests.support.witnesses import asking, new_key, witness

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600), pytest.mark.needs_tools_of("proofs of the log")]


async def accepts(*arguments: str | Path) -> bool:
    """Whether the program in Go does. Its folder is of no matter."""
    try:
        said = await run(await toolbox.proof_checker(), *arguments, cwd=toolbox.PROOFS)
    except CommandFailed as refused:
        if "refused: " not in str(refused):
            raise
        return False
    return said == "verified\n"


async def a_sealed_log(database: Database, app: Connection, folder: Path) -> SealedLog:
    """Seal twice, and keep the first checkpoint and the proof that the second is consistent with it."""
    sealed = sealed_log(database, app, folder / "log")
    sizes = []
    for seed in range(2):
        await sealed.append(payments=60, seed=seed)
        await sealed.seal(batch=333)
        written = sealed.folder.checkpoint()
        assert written is not None
        if seed == 0:
            (folder / "older").write_text(written)
        sizes.append(Checkpoint.parse(Note.parse(written).text).size)
    older, newest = sizes
    proof = consistency_proof(older, newest, TileReader(newest, sealed.folder.hashes).subtree)
    (folder / "consistency").write_text("".join(f"{base64.b64encode(each).decode()}\n" for each in proof))
    return sealed


async def test_a_sealed_log_is_accepted_and_no_altered_file_of_it(
    database: Database, app: Connection, tmp_path: Path
) -> None:
    sealed = await a_sealed_log(database, app, tmp_path)
    folder = sealed.folder.path

    async def accepted(log: Path = folder) -> bool:
        return await accepts("log", log, str(KEY.public), tmp_path / "older", tmp_path / "consistency")

    assert await accepted()
    rng = random.Random(1)
    names = ["checkpoint", "tile/0/001", "tile/0/004", "tile/1/000.p", "tile/entries/000", "tile/entries/003"]
    for name in (*names, "../older", "../consistency"):
        path = (folder / name).resolve()
        changed = max(path.iterdir(), key=lambda each: int(each.name)) if path.is_dir() else path
        content = changed.read_bytes()
        at = rng.randrange(len(content) // 4, len(content) // 2)
        changed.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert not await accepted(), f"{changed} was altered at {at}"
        changed.write_bytes(content)
    assert await accepted()
    assert not await accepts(
        "log", folder, str(PrivateKey.new(KEY.name).public), tmp_path / "older", tmp_path / "consistency"
    )


async def test_a_proof_is_accepted_and_no_altered_byte_of_it(
    database: Database, app: Connection, tmp_path: Path
) -> None:
    sealed = await a_sealed_log(database, app, tmp_path)
    written = sealed.folder.checkpoint()
    assert written is not None
    async with sealed.connection("audit") as auditor:
        rows = await rows_after(auditor, 0, limit=10_000)
    file, entry = tmp_path / "event.tlog-proof", tmp_path / "entry"
    for row in (rows[0], rows[255], rows[256], rows[700], rows[-1]):
        proof = Prover(folder=sealed.folder, checkpoint=written).prove(row)
        file.write_text(str(proof))
        entry.write_bytes(entry_of(row))
        assert await accepts("entry", file, entry, str(KEY.public))
    content = file.read_bytes()
    for at in range(30, len(content) - 1, 41):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert not await accepts("entry", file, entry, str(KEY.public)), f"it was altered at {at}"
    file.write_bytes(content)
    entry.write_bytes(entry_of(rows[1]))
    assert not await accepts("entry", file, entry, str(KEY.public))


async def test_a_cosigned_proof_is_accepted_and_no_altered_signature(
    database: Database, app: Connection, tmp_path: Path
) -> None:
    """The signature is of `paystream witness`, and the checkpoint the one that the sealer publishes."""
    sealed = await a_sealed_log(database, app, tmp_path)
    written = sealed.folder.checkpoint()
    assert written is not None
    async with witness(tmp_path, "w1") as w1, asking(sealed, w1) as ask:
        await ask()
    cosigned = sealed.folder.checkpoint()
    assert cosigned is not None
    assert cosigned.startswith(written)
    async with sealed.connection("audit") as auditor:
        (row,) = await rows_after(auditor, 0, limit=1)
    file, entry = tmp_path / "event.tlog-proof", tmp_path / "entry"
    entry.write_bytes(entry_of(row))
    proof = Prover(folder=sealed.folder, checkpoint=cosigned).prove(row)
    file.write_text(str(proof))
    arguments = ("entry", file, entry, str(KEY.public), str(w1.key.public))
    assert await accepts(*arguments)
    assert not await accepts(*arguments[:-1], str(new_key("w1").public))
    content = file.read_bytes()
    for at in range(len(content) - 100, len(content) - 4, 19):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert not await accepts(*arguments), f"it was altered at {at}"
    file.write_text(str(TlogProof(index=proof.index, path=proof.path, checkpoint=written)))
    assert not await accepts(*arguments)

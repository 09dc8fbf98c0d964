"""A witness that others wrote signs what the sealer sends it, and refuses a forged log: filippo.io's litewitness."""

import asyncio
import base64
import re
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from event_store.proofs.merkle import EMPTY_ROOT
from event_store.proofs.note import Note, PrivateKey, PublicKey
from event_store.proofs.witnesses import Witness
from event_store.sealer.witness_client import (
    Signed,
    WitnessAhead,
    WitnessClient,
    WitnessRefused,
    WitnessUnknowing,
)
from infra.embedded.ports import free_port
from tests.clients import toolbox
from tests.clients.toolbox import run
from tests.support.waiting import eventually
from tests.unit.event_store.witness.small_logs import KEY, SmallLog

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600), pytest.mark.needs_tools_of("a witness of others")]

LOG, FORGED = SmallLog(), SmallLog(forged_at=3)


@asynccontextmanager
async def _process(*argv: str | Path, folder: Path, log: Path) -> AsyncIterator[None]:
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(*map(str, argv), cwd=folder, stdout=written, stderr=written)
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def litewitness(folder: Path) -> AsyncIterator[Witness]:
    """Run it with a new key in an agent of its own; it knows one log."""
    program, port, log = await toolbox.litewitness(), free_port(), folder / "litewitness.log"
    await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key", cwd=folder)
    fingerprint = (await run("ssh-keygen", "-lf", folder / "key.pub", cwd=folder)).split()[1]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            _process("ssh-agent", "-D", "-a", "agent", folder=folder, log=folder / "agent.log")
        )

        async def add_key() -> str:
            if not (folder / "agent").exists():
                raise FileNotFoundError
            return await run("ssh-add", "-q", "key", cwd=folder, environment={"SSH_AUTH_SOCK": str(folder / "agent")})

        await eventually(add_key, lambda _: True)
        options = ("-db", "state", "-name", "lite.example/w1", "-ssh-agent", "agent", "-key", fingerprint)
        await stack.enter_async_context(
            _process(program, *options, "-listen", f"127.0.0.1:{port}", folder=folder, log=log)
        )
        key = await eventually(lambda: asyncio.to_thread(_verifier_key, log))
        with sqlite3.connect(
            folder / "state"
        ) as state:  # as its own tool does, which needs modules that may not be had
            empty = base64.b64encode(EMPTY_ROOT).decode()
            state.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", (KEY.name, empty))
            state.execute("INSERT INTO key (origin, key) VALUES (?, ?)", (KEY.name, str(KEY.public)))
        state.close()
        yield Witness(url=f"http://127.0.0.1:{port}", key=PublicKey.parse(key))


def _verifier_key(log: Path) -> str:
    said = log.read_text()
    found = re.search(r"vkey=(\S+)", said)
    return found[1] if found is not None and "msg=listening" in said else ""


async def test_litewitness_signs_one_history_alone(tmp_path: Path) -> None:
    async with litewitness(tmp_path) as witness, aiohttp.ClientSession() as session:
        client = WitnessClient(session, timeout_s=10)

        async def ask(log: SmallLog, size: int, *, known: int = 0) -> Signed:
            def proof(old: int) -> Sequence[bytes]:
                return log.request(old, size).proof

            return await client.ask(witness, Note.parse(log.checkpoint(size)), proof, known=known)

        for known, size in ((0, 5), (5, 9), (0, 300), (300, 300)):
            signed = await ask(LOG, size, known=known)
            assert witness.key.verify(Note.parse(LOG.checkpoint(size)).text, signed.signature) is not None
            assert abs((datetime.now(UTC) - signed.at).total_seconds()) < 60
        for size in (300, 301):
            with pytest.raises(WitnessRefused):
                await ask(FORGED, size, known=300)
        with pytest.raises(WitnessAhead):
            await ask(LOG, 200)
        for key in (PrivateKey.new(KEY.name), PrivateKey.new("example.com/other")):
            with pytest.raises(WitnessUnknowing):
                await ask(SmallLog(key=key), 400, known=300)
        assert (await ask(LOG, 301, known=300)).at

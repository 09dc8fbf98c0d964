"""`paystream witness`, as a process of its own that is killed and started again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from event_store.proofs.note import Note, PublicKey
from infra.embedded.ports import free_port
from tests.support.paystream_command import environment_of, paystream
from tests.support.waiting import eventually
from tests.unit.event_store.witness.small_logs import KEY, SmallLog

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LOG, FORGED = SmallLog(), SmallLog(forged_at=3)


@asynccontextmanager
async def running(folder: Path, port: int) -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.subprocess.Process]]:
    settings = {
        "app_env": "production",
        "witness_key_file": folder / "w1.key",
        "witness_logs": KEY.public,
        "witness_port": port,
    }
    with (folder / "witness.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.cli", "witness"),
            cwd=folder,
            env=environment_of(settings),
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await eventually(lambda: client.get("/health/ready"), lambda answer: answer.status_code == 200)
            yield client, process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 15)


async def test_a_witness_that_is_killed_remembers_what_it_signed(tmp_path: Path) -> None:
    made = await paystream("witness", "new-key", "w1.example", "w1.key", cwd=tmp_path, settings={})
    assert made.code == 0, made
    key, port = PublicKey.parse(made.output.splitlines()[-1]), free_port()
    async with running(tmp_path, port) as (client, process):
        signed = await client.post("/add-checkpoint", content=LOG.sent(0, 5))
        assert Note.parse(LOG.checkpoint(5) + signed.text).verified_by([key]) == [key]
        answers = [asyncio.create_task(client.post("/add-checkpoint", content=LOG.sent(5, 6 + n))) for n in range(20)]
        await answers[0]
        os.kill(process.pid, signal.SIGKILL)
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        last = [
            6 + n for n, each in enumerate(outcomes) if isinstance(each, httpx.Response) and each.status_code == 200
        ]
        assert len(last) == 1
    async with running(tmp_path, port) as (client, process):
        refused = await client.post("/add-checkpoint", content=FORGED.sent(5, 9))
        assert (refused.status_code, refused.text) == (409, f"{last[0]}\n")
        assert (await client.post("/add-checkpoint", content=FORGED.sent(last[0], 40))).status_code == 422
        assert (await client.post("/add-checkpoint", content=LOG.sent(last[0], 40))).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_without_its_memory_it_does_not_start(tmp_path: Path) -> None:
    await paystream("witness", "new-key", "w1.example", "w1.key", cwd=tmp_path, settings={})
    await asyncio.to_thread((tmp_path / "w1.key.state").unlink)
    settings = {"app_env": "production", "witness_key_file": tmp_path / "w1.key", "witness_logs": KEY.public}
    ended = await paystream("witness", cwd=tmp_path, settings=settings)
    assert (ended.code, "would sign any history" in ended.output + ended.errors) == (2, True), ended
    assert not (tmp_path / "w1.key.state").exists()


@pytest.mark.parametrize("name", ["a name", "a+b", ""])
async def test_a_name_that_no_key_can_have_is_refused(tmp_path: Path, name: str) -> None:
    refused = await paystream("witness", "new-key", name, "w1.key", cwd=tmp_path, settings={})
    assert (refused.code, "name of a key" in refused.errors) == (2, True), refused
    assert not await asyncio.to_thread(lambda: [*tmp_path.iterdir()])

"""The HTTP interface of a witness."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from event_store.proofs.note import Note
from event_store.witness.app import build_app
from event_store.witness.state import WitnessState
from event_store.witness.witness import Witness
from infra.process.health import Health
from tests.unit.event_store.witness.small_logs import KEY, NOW, WITNESS, SmallLog

LOG = SmallLog()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "w1.state"


@pytest_asyncio.fixture
async def client(file: Path) -> AsyncIterator[httpx.AsyncClient]:
    state = WitnessState(file)
    state.make()
    app = build_app(Witness(state, WITNESS, [KEY.public], clock=lambda: NOW), Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://witness") as client:
        yield client


async def test_a_checkpoint_is_signed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/add-checkpoint", content=LOG.sent(0, 5))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    note = Note.parse(LOG.checkpoint(5) + answer.text)
    assert note.verified_by([KEY.public, WITNESS.public]) == [KEY.public, WITNESS.public]


async def test_a_conflict_has_the_content_type_of_a_size(client: httpx.AsyncClient) -> None:
    await client.post("/add-checkpoint", content=LOG.sent(0, 5))
    answer = await client.post("/add-checkpoint", content=LOG.sent(0, 6))
    assert (answer.status_code, answer.headers["Content-Type"], answer.text) == (409, "text/x.tlog.size", "5\n")


async def test_what_it_signed_last_of_a_log_can_be_read(client: httpx.AsyncClient) -> None:
    path = f"/checkpoint/{KEY.name}"
    assert (await client.get(path)).status_code == 404
    await client.post("/add-checkpoint", content=LOG.sent(0, 5))
    await client.post("/add-checkpoint", content=LOG.sent(5, 7))
    read = await client.get(path)
    assert read.text.startswith(LOG.checkpoint(7))
    assert Note.parse(read.text).verified_by([WITNESS.public]) == [WITNESS.public]


async def test_a_body_that_does_not_end_is_not_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/add-checkpoint", content=b"old 0\n" * 20_000)).status_code == 413


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/add-checkpoint", 405), ("POST", "/other", 404)])
async def test_nothing_else_is_answered(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    assert (await client.request(method, path)).status_code == status


async def test_without_its_memory_it_signs_nothing(client: httpx.AsyncClient, file: Path) -> None:
    await asyncio.to_thread(file.unlink)
    assert (await client.post("/add-checkpoint", content=LOG.sent(0, 5))).status_code == 503
    assert (await client.get(f"/checkpoint/{KEY.name}")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200

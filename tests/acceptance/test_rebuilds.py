"""A read model that is rebuilt while customers pay and look: nobody notices."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from infra.embedded.running import environments
from projections.scratch import TABLES
from tests.support.paystream_command import Ended, paystream
from tests.support.system import System

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]

_CLIENTS = 4


@asynccontextmanager
async def customers(system: System, payment_id: str) -> AsyncIterator[list[httpx.Response]]:
    """Have some pay and some look, all the time; lends all answers."""
    stop, answers = asyncio.Event(), list[httpx.Response]()

    async def pay() -> None:
        while not stop.is_set():
            answers.append(await system.create())
            position = answers[-1].json()["position"]
            answers.append(await system.query.get("/payments", params={"limit": 5, "min_position": position}))

    async def look() -> None:
        while not stop.is_set():
            for path in (f"/payments/{payment_id}", f"/payments/{payment_id}/events", "/ledger/trial-balance"):
                answers.append(await system.query.get(path))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(_CLIENTS):
            tasks.create_task(pay())
            tasks.create_task(look())
        try:
            yield answers
        finally:
            stop.set()


async def projections(system: System, folder: Path, *arguments: str) -> Ended:
    found = environments(system.stack.home.path, ["migrate", "projector"])
    settings = found["projector"] | found["migrate"]
    return await paystream("projections", *arguments, cwd=folder, settings=settings, within=100)


@pytest.mark.timeout(240)
async def test_all_of_it_is_rebuilt_under_load_and_no_query_fails(system: System, tmp_path: Path) -> None:
    created = await system.create(wait=10)
    payment_id = str(created.json()["id"])
    await system.finished(payment_id)
    names = ("payments", "payment_timeline", "ledger")
    assert set(names) <= TABLES.keys()
    async with customers(system, payment_id) as answers:
        for name in names:
            done = await projections(system, tmp_path, "rebuild", name, "--swap")
            assert (done.code, "is live since position" in done.output) == (0, True), done.output + done.errors
    assert [each.text for each in answers if each.is_error] == []
    assert len(answers) > 100

    statuses = [
        json.loads(each) for each in (await projections(system, tmp_path, "status", "--json")).output.splitlines()
    ]
    assert [(each["phase"], each["differences"], each["forced"]) for each in statuses] == [("swapped", 0, False)] * 3
    last = await system.create(wait=10)
    await system.finished(last.json()["id"], min_position=last.json()["position"])
    assert await system.differences() == []
    for name in names:
        assert (await projections(system, tmp_path, "drop", name)).code == 0

"""Clients pay and read what they wrote at once; then every position of the log is asked for, whosever it is."""

import asyncio

import httpx
import psycopg
import pytest

from tests.support.system import System, run_concurrently
from tests.support.waiting import answered

pytestmark = pytest.mark.race

_LAST = "SELECT max(position) FROM event_store.events"


async def test_every_position_of_the_log_is_answered_with_what_was_written(system: System) -> None:
    async def pay_and_read(_: int) -> httpx.Response:
        paid = await system.create(wait=10)
        assert paid.status_code == httpx.codes.CREATED
        read = await answered(lambda: _listed(system, paid.json()["position"]))
        assert read.status_code == httpx.codes.OK
        assert paid.json()["id"] in {payment["id"] for payment in read.json()["data"]}
        return paid

    payments = {answer.json()["id"] for answer in await run_concurrently(20, pay_and_read)}
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as conn:
        row = await (await conn.execute(_LAST)).fetchone()
    assert row is not None
    last = int(row[0])  # webhooks and balance rows came between, and positions that were drawn in vain

    requested = range(max(1, last - 200), last + 1)
    answers = await asyncio.gather(*(answered(lambda at=each: _listed(system, at)) for each in requested))  # type: ignore[misc]
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}
    assert payments <= {payment["id"] for payment in answers[-1].json()["data"]}


async def _listed(system: System, position: int) -> httpx.Response:
    return await system.query.get("/payments", params={"limit": 100, "min_position": position})

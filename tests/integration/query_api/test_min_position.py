"""Read your writes: min_position on a real read model."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import psycopg
import pytest

from event_store.store import Connection as AppConnection
from infra.http.problems import Problem
from infra.postgres.pool import Connection, Pool
from projections.payment_timeline import read
from query_api.database import create_read_pool
from query_api.freshness import AppliedPositions, Freshness
from tests.integration.query_api.conftest import Project, Record
from tests.support.database import Database
from tests.support.payment_histories import paid, request_payment
from tests.support.query_client import client_of
from tests.support.read_model import load_log
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def poll_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For how many positions each poll has asked the database."""
    counts: list[int] = []
    real = read.applied

    async def counting(conn: Any, positions: Sequence[int]) -> set[int]:
        counts.append(len(list(positions)))
        return await real(conn, positions)

    monkeypatch.setattr(read, "applied", counting)
    return counts


async def polled(poll_sizes: list[int], times: int) -> None:
    """Wait for so many polls more."""
    expected = len(poll_sizes) + times

    async def polls() -> int:
        return len(poll_sizes)

    await eventually(polls, lambda count: count >= expected, every=0.01)


async def last_position(app: AppConnection) -> int:
    return (await load_log(app))[-1].position


async def test_a_read_waits_until_the_event_is_applied(
    client: httpx.AsyncClient, record: Record, project: Project, app: AppConnection, poll_sizes: list[int]
) -> None:
    payment_id = await record(paid(request_payment()))
    position = await last_position(app)
    paths = (f"/payments/{payment_id}", "/payments", f"/payments/{payment_id}/events")

    reads = [asyncio.create_task(client.get(path, headers={"Paystream-Min-Position": str(position)})) for path in paths]
    await polled(poll_sizes, 3)
    assert not any(read.done() for read in reads)
    await project()
    one, many, events = [(await read).json() for read in reads]

    assert one["status"] == "succeeded"
    assert [row["id"] for row in many["data"]] == [str(payment_id)]
    assert len(events["data"]) == 3


async def test_a_position_that_does_not_come_in_time_is_503_with_the_lag(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    payment_id = await record(paid(request_payment()))
    position = await project()
    for path in (f"/payments/{payment_id}", "/payments", f"/payments/{payment_id}/events"):
        response = await client.get(path, params={"min_position": position + 5})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        problem = response.json()
        assert problem["code"] == "projection_behind"
        assert (problem["min_position"], problem["projection_position"], problem["positions_behind"]) == (
            position + 5,
            position,
            5,
        )
        assert problem["waited_ms"] >= 400
        assert 0 <= problem["seconds_since_last_applied"] < 60


async def test_without_time_to_wait_an_applied_position_is_still_seen(
    read_pool: Pool, record: Record, project: Project
) -> None:
    await record(paid(request_payment()))
    position = await project()
    freshness = Freshness(read_pool, wait_ms=0)

    async def found(_: Connection) -> str:
        return "found"

    assert await freshness.read(position, found) == "found"
    with pytest.raises(Problem) as behind:
        await freshness.read(position + 1, found)
    assert behind.value.code == "projection_behind"


async def test_before_the_first_event_the_lag_is_unknown(client: httpx.AsyncClient) -> None:
    problem = (await client.get("/payments", params={"min_position": 1})).json()
    assert (problem["code"], problem["projection_position"], problem["seconds_since_last_applied"]) == (
        "projection_behind",
        0,
        None,
    )


async def test_the_position_of_another_payments_event_will_do(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    first = await record(paid(request_payment()))
    await record(paid(request_payment()))
    position = await project()
    response = await client.get(f"/payments/{first}", params={"min_position": position})
    assert response.status_code == 200


async def test_of_parameter_and_header_the_larger_holds(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    payment_id = await record(paid(request_payment()))
    position = await project()
    for parameter, header in ((position, position + 1), (position + 1, position)):
        response = await client.get(
            f"/payments/{payment_id}",
            params={"min_position": parameter},
            headers={"Paystream-Min-Position": str(header)},
        )
        assert response.json()["min_position"] == position + 1


async def test_a_header_that_is_no_position_is_400(client: httpx.AsyncClient) -> None:
    response = await client.get("/payments", headers={"Paystream-Min-Position": "soon"})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


async def test_many_waiting_reads_share_one_query_a_tick(
    read_pool: Pool, record: Record, project: Project, app: AppConnection, poll_sizes: list[int]
) -> None:
    await record(paid(request_payment()))
    position = await last_position(app)
    positions = AppliedPositions(read_pool, poll_s=0.05)
    waiting = [asyncio.create_task(positions.wait(position - number % 3, 5)) for number in range(60)]
    await polled(poll_sizes, 4)
    await project()

    assert all(await asyncio.gather(*waiting))
    assert max(poll_sizes) == 3, "one element a position, however many wait for it"
    assert len(poll_sizes) < 60
    assert not positions.waiting


async def test_waiting_reads_fail_without_the_database_and_work_when_it_is_back(
    database: Database, record: Record, project: Project, poll_sizes: list[int]
) -> None:
    await record(paid(request_payment()))
    position = await project()
    async with create_read_pool(database.url("query"), size=2, timeout_ms=1000) as pool, client_of(pool) as client:
        await client.get("/payments")
        waiting = asyncio.create_task(client.get("/payments", params={"min_position": position + 9}))
        await polled(poll_sizes, 1)
        async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
            await owner.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE usename = 'paystream_query_login' AND datname = current_database()"
            )
        assert (await waiting).json()["code"] in {"database_unavailable", "projection_behind"}
        assert (await client.get("/payments", params={"min_position": position})).status_code == 200

"""Positions that name their cell: another cell refuses them at once, rather than wait or seem to be up to date."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from infra.http.position_tokens import POSITION_TOKEN
from infra.postgres.pool import Pool
from tests.integration.query_api.conftest import Project, Record
from tests.support.payment_histories import paid, request_payment
from tests.support.query_client import client_of

pytestmark = pytest.mark.integration

LISTS = ("/payments", "/payment-count", "/disputes", "/split-payments")


@pytest_asyncio.fixture
async def cell(read_pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """The query API of the cell `a`."""
    async with client_of(read_pool, cell="a") as client:
        yield client


async def paths(record: Record) -> list[str]:
    """Every read that takes a position, of a payment that is there."""
    payment_id = await record(paid(request_payment()))
    return [*LISTS, f"/payments/{payment_id}", f"/payments/{payment_id}/events"]


async def test_a_token_of_the_own_cell_is_as_good_as_its_position(
    cell: httpx.AsyncClient, record: Record, project: Project
) -> None:
    reads = await paths(record)
    position = await project()
    for path in reads:
        reached = await cell.get(path, headers={POSITION_TOKEN: f"a:{position}"})
        assert reached.status_code == 200, reached.text
        behind = await cell.get(path, headers={POSITION_TOKEN: f"a:{position + 5}"})
        assert (behind.status_code, behind.json()["code"]) == (503, "projection_behind")


async def test_a_token_of_another_cell_is_refused_at_once(
    cell: httpx.AsyncClient, client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    reads = await paths(record)
    position = await project()
    for path in reads:
        for query_api, here in ((cell, "a cell which is a"), (client, "a cell which has no name")):
            for theirs in (1, position, position + 1_000_000):
                began = time.monotonic()
                refused = await query_api.get(path, headers={POSITION_TOKEN: f"b:{theirs}"})
                assert (refused.status_code, refused.json()["code"]) == (400, "position_of_another_cell")
                assert refused.json()["cell"] == "b"
                assert here in refused.json()["detail"]
                assert time.monotonic() - began < 0.3  # it is not waited for: that would take 0.4 s


async def test_the_largest_of_all_positions_is_waited_for(
    cell: httpx.AsyncClient, record: Record, project: Project
) -> None:
    await record(paid(request_payment()))
    position = await project()
    behind = str(position + 5)
    for headers, parameters in (
        ({POSITION_TOKEN: f"a:{behind}", "Paystream-Min-Position": "1"}, {"min_position": "1"}),
        ({POSITION_TOKEN: "a:1", "Paystream-Min-Position": behind}, {"min_position": "1"}),
        ({POSITION_TOKEN: "a:1", "Paystream-Min-Position": "1"}, {"min_position": behind}),
    ):
        answer = await cell.get("/payments", headers=headers, params=parameters)
        assert (answer.status_code, answer.json()["min_position"]) == (503, position + 5)


async def test_a_position_without_a_cell_is_taken_as_ever(
    cell: httpx.AsyncClient, record: Record, project: Project
) -> None:
    reads = await paths(record)
    position = await project()
    for path in reads:
        assert (await cell.get(path, params={"min_position": position})).status_code == 200
        assert (await cell.get(path, headers={"Paystream-Min-Position": str(position)})).status_code == 200


async def test_answers_of_a_cell_name_it_and_others_do_not(
    cell: httpx.AsyncClient, client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    reads = await paths(record)
    position = await project()
    for path in reads:
        named = await cell.get(path)
        if (plain := named.headers.get("Paystream-Position")) is not None:
            assert named.headers[POSITION_TOKEN] == f"a:{plain}"
            assert int(plain) <= position
        assert POSITION_TOKEN not in (await client.get(path)).headers
    assert (await cell.get("/payments")).headers[POSITION_TOKEN] == f"a:{position}"
    assert POSITION_TOKEN not in (await cell.get("/ledger/balances")).headers


@pytest.mark.parametrize(
    "token",
    ["5", "a:", ":5", "a:-1", "a:05", "a:5 6", "A:5", "a:b:5", "a:9223372036854775808", "a" * 33 + ":5", "a:\u0665"],
)
async def test_what_is_no_token_is_said_to_be_none(cell: httpx.AsyncClient, token: str) -> None:
    refused = await cell.get("/payments", headers={POSITION_TOKEN.encode(): token.encode()})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    (error,) = refused.json()["errors"]
    assert POSITION_TOKEN.lower() in str(error).lower()


async def test_a_token_is_no_number_for_min_position(cell: httpx.AsyncClient) -> None:
    refused = await cell.get("/payments", params={"min_position": "b:5"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")

"""What a payment was: read from the log, the same answer as the read model gave then."""

import random
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from domain.ids import PaymentId
from event_store.privacy.attached import attach
from event_store.store import Connection, append
from infra.ids import uuid7
from infra.postgres.pool import Pool
from query_api.database import create_read_pool
from tests.integration.query_api.conftest import Project, Record
from tests.support.database import Database
from tests.support.payment_histories import paid, random_history, request_payment
from tests.support.personal_payments import DESCRIPTION, METADATA, a_payment
from tests.support.query_client import OTHER_KEY, client_of
from tests.support.read_model import load_log, project_log, store
from tests.support.vaults import open_test_vault

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def history_pool(database: Database) -> AsyncIterator[Pool]:
    async with create_read_pool(database.url("audit"), size=2, timeout_ms=5000) as pool:
        yield pool


@pytest_asyncio.fixture
async def client(read_pool: Pool, history_pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(read_pool, history=history_pool) as client:
        yield client


@pytest.mark.parametrize("seed", range(3))
async def test_each_version_is_what_the_read_model_showed_then(
    client: httpx.AsyncClient, app: Connection, projector_pool: Pool, seed: int
) -> None:
    payment_id = PaymentId(uuid7())
    await store(app, [(payment_id, random_history(random.Random(seed), payment_id=payment_id, steps=12))])
    log = await load_log(app)
    for number, event in enumerate(log, 1):
        await project_log(projector_pool, log[:number])
        shown = await client.get(f"/payments/{payment_id}")
        was = await client.get(f"/payments/{payment_id}", params={"version": number})
        assert (was.status_code, was.json()) == (200, shown.json())
        assert was.headers["etag"] == f'"{number}"'
        assert was.headers["paystream-position"] == str(event.position)
        at = await client.get(f"/payments/{payment_id}", params={"as_of": log[-1].recorded_at.isoformat()})
        assert at.json()["version"] == len(log)


async def test_each_time_that_is_shown_has_the_event_it_is_shown_for(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    payment_id = await record(paid(request_payment()))
    await project()
    for entry in (await client.get(f"/payments/{payment_id}/events")).json()["data"]:
        was = await client.get(f"/payments/{payment_id}", params={"as_of": entry["at"]})
        assert was.status_code == 200, entry
        assert was.json()["version"] >= entry["version"]
    now = (await client.get(f"/payments/{payment_id}")).json()
    assert (await client.get(f"/payments/{payment_id}", params={"as_of": now["updated_at"]})).json() == now


async def test_before_its_first_event_it_says_when_that_was(client: httpx.AsyncClient, record: Record) -> None:
    payment_id = await record(paid(request_payment()))
    was = (await client.get(f"/payments/{payment_id}", params={"version": 1})).json()
    answer = await client.get(f"/payments/{payment_id}", params={"as_of": "2020-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")
    assert answer.json()["detail"] == f"The payment was not there yet: its first event is of {was['updated_at']}."


async def test_before_it_began_there_is_none(client: httpx.AsyncClient, record: Record, app: Connection) -> None:
    payment_id = await record(paid(request_payment()))
    await record([request_payment()])
    first = (await load_log(app))[0].recorded_at
    for moment, status in ((first.isoformat(), 200), ("2020-01-01T00:00:00Z", 404), ("2999-01-01T00:00:00Z", 200)):
        answer = await client.get(f"/payments/{payment_id}", params={"as_of": moment})
        assert answer.status_code == status, moment


async def test_a_version_beyond_the_last_is_the_last(client: httpx.AsyncClient, record: Record) -> None:
    payment_id = await record(paid(request_payment()))
    answer = await client.get(f"/payments/{payment_id}", params={"version": 99})
    assert answer.json()["version"] == 3


async def test_another_merchant_s_payment_was_never_there(read_pool: Pool, history_pool: Pool, record: Record) -> None:
    payment_id = await record(paid(request_payment()))
    async with client_of(read_pool, history=history_pool, key=OTHER_KEY) as other:
        answer = await other.get(f"/payments/{payment_id}", params={"version": 1})
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")


async def test_personal_data_is_shown_once_it_can_be_read(
    client: httpx.AsyncClient, app: Connection, database: Database, projector_pool: Pool
) -> None:
    payment = a_payment()
    async with open_test_vault(database) as vault:
        attach(app, vault)
        await append(app, [payment])
        await app.commit()
        early = await client.get(f"/payments/{payment.stream_id}", params={"version": 1})
        assert (early.status_code, early.json()["code"]) == (503, "projection_behind")
        await project_log(projector_pool, await load_log(app), vault=vault)
    was = (await client.get(f"/payments/{payment.stream_id}", params={"version": 1})).json()
    assert (was["description"], was["metadata"]) == (DESCRIPTION, METADATA)


async def test_a_client_that_has_the_version_is_told_so(client: httpx.AsyncClient, record: Record) -> None:
    payment_id = await record(paid(request_payment()))
    answer = await client.get(f"/payments/{payment_id}", params={"version": 1}, headers={"If-None-Match": '"1"'})
    assert answer.status_code == 304


@pytest.mark.parametrize(
    "parameters",
    [
        {"version": "0"},
        {"version": "1.0"},
        {"version": "-1"},
        {"version": "9223372036854775808"},
        {"as_of": "yesterday"},
        {"as_of": "2026-13-01T00:00:00Z"},
        {"as_of": "2026-05-01T00:00:00Z", "version": "1"},
    ],
)
async def test_what_says_no_moment_is_refused(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    answer = await client.get(f"/payments/{uuid7()}", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_without_a_way_to_the_log_it_says_so(read_pool: Pool, record: Record) -> None:
    payment_id = await record(paid(request_payment()))
    async with client_of(read_pool) as client:
        answer = await client.get(f"/payments/{payment_id}", params={"version": 1})
    assert (answer.status_code, answer.json()["code"]) == (501, "history_not_configured")


async def test_what_reads_the_log_can_change_nothing(history_pool: Pool) -> None:
    for statement in ("DELETE FROM event_store.events", "CREATE TABLE public.x (y int)"):
        with pytest.raises(Exception, match=r"read-only|permission denied"):
            async with history_pool.connection() as conn:
                await conn.execute(statement)

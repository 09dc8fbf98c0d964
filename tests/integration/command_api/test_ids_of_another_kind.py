"""An id of one kind in the place of another: there is no such thing, and nothing is done."""

import uuid
from datetime import date
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from domain.reconciliation.run import RequestRun, run_id_of
from event_store.reconciliation import command_run, metadata
from event_store.store import load
from infra.access.keyring import ApiKeyring
from infra.postgres.pool import Pool
from tests.integration.command_api.running_api import Running, key, running

pytestmark = pytest.mark.integration

DAY = date(2026, 5, 1)

SPLIT: dict[str, Any] = {
    "user_id": "user_1",
    "currency": "USD",
    "legs": [{"amount_cents": 100, "payment_method": "pm_card_visa"} for _ in range(2)],
}


@pytest_asyncio.fixture
async def payment_id(api: Running) -> str:
    return str((await api.create()).json()["id"])


@pytest_asyncio.fixture
async def split_payment_id(api: Running) -> str:
    return str((await api.post("/split-payments", SPLIT)).json()["id"])


@pytest.mark.parametrize("action", ["confirm", "capture", "cancel", "refund"])
async def test_a_split_payment_is_no_payment(api: Running, split_payment_id: str, action: str) -> None:
    body = {"payment_method": "pm_card_visa"} if action == "confirm" else {}
    answer = await api.post(f"/payments/{split_payment_id}/{action}", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")
    async with api.pool.connection() as conn:
        assert {each.category for each in await load(conn, uuid.UUID(split_payment_id))} == {"split-payment"}


async def test_a_split_payment_has_no_client_secret(api: Running, split_payment_id: str) -> None:
    answer = await api.client.get(f"/payments/{split_payment_id}/client_secret")
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")


@pytest.mark.parametrize("action", ["cancel", "refund"])
async def test_a_payment_is_no_split_payment(api: Running, payment_id: str, action: str) -> None:
    answer = await api.post(f"/split-payments/{payment_id}/{action}")
    assert (answer.status_code, answer.json()["code"]) == (404, "split_payment_not_found")


@pytest.mark.parametrize("action", ["assign", "explain", "resolve"])
async def test_neither_a_payment_nor_a_run_is_a_discrepancy(pool: Pool, redis: Redis, action: str) -> None:
    keys = ApiKeyring([key("staff", "payments:write", "finance:write")])
    body = {"assignee": "bo"} if action == "assign" else {"reason": "looked at"}
    async with running(pool, redis, keys=keys, api_key="sk_staff") as api:
        payment_id = (await api.create()).json()["id"]
        async with pool.connection() as conn:
            request = RequestRun(date=DAY, time_zone="UTC", origin="api", actor="ana")
            run_id = run_id_of(DAY, "UTC")
            await command_run(conn, run_id, request, metadata(correlation_id="c", actor="ana"))
        for other in (payment_id, run_id):
            answer = await api.post(f"/discrepancies/{other}/{action}", body)
            assert answer.status_code == 404, answer.text

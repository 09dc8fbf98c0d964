"""Payouts over HTTP on a real read model."""

from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from domain.ids import PayoutId
from domain.stripe_balance import PayoutStatus
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool
from schemas.http.payouts import PayoutPage, PayoutView
from tests.integration.query_api.conftest import Project, Record
from tests.support.balance_events import CREATED, a_payout
from tests.support.database import Database
from tests.support.payment_histories import paid, request_payment
from tests.support.query_client import FINANCE_KEY, KEY, client_of
from tests.support.read_model import store_balance

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def finance(read_pool: Pool) -> Any:
    async with client_of(read_pool, key=FINANCE_KEY) as client:
        yield client


async def test_a_payout_is_as_stripe_last_said(
    finance: httpx.AsyncClient, app: AppConnection, project: Project
) -> None:
    await store_balance(app, a_payout(PayoutStatus.IN_TRANSIT), a_payout(PayoutStatus.PAID))
    await project()
    payout = a_payout().payout_id
    answer = await finance.get(f"/payouts/{payout}")
    assert answer.status_code == 200
    shown = PayoutView.model_validate_json(answer.content)
    assert (shown.id, shown.status, shown.version) == (payout, PayoutStatus.PAID, 2)
    assert (await finance.get("/payouts/po_unknown")).json()["code"] == "payout_not_found"


async def test_pages_run_newest_first_and_filters_hold(
    finance: httpx.AsyncClient, app: AppConnection, project: Project
) -> None:
    for number in range(5):
        status = PayoutStatus.PAID if number % 2 else PayoutStatus.FAILED
        payout = a_payout(status, payout_id=PayoutId(f"po_{number}"), created=CREATED + number // 2)
        await store_balance(app, payout)
    await project()
    found, cursor = [], None
    while True:
        page = (await finance.get("/payouts", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        assert PayoutPage.model_validate(page)
        found += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == ["po_4", "po_3", "po_2", "po_1", "po_0"]
    paid = (await finance.get("/payouts", params={"status": "paid"})).json()["data"]
    assert [each["id"] for each in paid] == ["po_3", "po_1"]
    assert (await finance.get("/payouts", params={"cursor": "WzEsIngiXQ"})).status_code in {200, 400}
    assert (await finance.get("/payouts", params={"currency": "jpy"})).json()["data"] == []


async def test_payouts_are_for_finance_alone(read_pool: Pool) -> None:
    async with client_of(read_pool, key=KEY) as client:
        assert (await client.get("/payouts")).status_code == 403


async def test_a_projection_that_is_new_says_that_it_has_to_be_built(
    *,
    finance: httpx.AsyncClient,
    app: AppConnection,
    record: Record,
    project: Project,
    database: Database,
    read_pool: Pool,
) -> None:
    await record(paid(request_payment()))
    await project()
    assert (await finance.get("/payouts")).json()["data"] == [], "nothing of Stripe's balance was recorded yet"
    await store_balance(app, a_payout())
    await project()
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute(
            "DELETE FROM consumers.consumer_checkpoints"
            " WHERE consumer IN ('projection:payouts', 'projection:payment_totals')"
        )
    answer = await finance.get("/payouts")
    assert (answer.status_code, answer.json()["code"]) == (503, "projection_not_built")
    async with client_of(read_pool, key=KEY) as client:
        totals = await client.get("/payment-totals", params={"date_from": "2026-05-01", "date_to": "2026-05-01"})
    assert (totals.status_code, totals.json()["code"]) == (503, "projection_not_built")

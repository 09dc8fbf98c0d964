"""GET /payments/{id}/events on a real read model."""

import uuid

import httpx
import psycopg
import pytest

from domain.ids import RefundId
from domain.money import Money
from schemas.http.timeline import TimelinePage
from tests.integration.query_api.conftest import Project, Record
from tests.support.database import Database
from tests.support.payment_histories import paid, refunded, request_payment

pytestmark = pytest.mark.integration


async def test_a_timeline_tells_what_happened_when_and_by_whom(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    refund_id = RefundId(uuid.uuid4())
    payment_id = await record([*paid(request_payment()), *refunded(refund_id, Money(amount_cents=300, currency="USD"))])
    position = await project()

    response = await client.get(f"/payments/{payment_id}/events")

    assert response.status_code == 200
    assert TimelinePage.model_validate_json(response.content)
    page = response.json()
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    entries = page["data"]
    assert [(entry["version"], entry["type"]) for entry in entries] == [
        (1, "payment.requested"),
        (2, "payment.intent_created"),
        (3, "payment.succeeded"),
        (4, "payment.refund_requested"),
        (5, "payment.refund_succeeded"),
    ]
    assert [entry["position"] for entry in entries] == list(range(position - 4, position + 1))
    assert {entry["actor"] for entry in entries} == {"api:key_test"}
    assert {entry["correlation_id"] for entry in entries} == {f"correlation-{payment_id}"}
    assert entries[0]["request_id"] == "request-1"
    assert entries[3]["data"] == {"refund_id": str(refund_id), "amount_cents": 300, "reason": "duplicate"}
    assert all(entry["at"].endswith("Z") for entry in entries)
    assert response.headers["paystream-position"] == str(position)


async def test_a_timeline_has_pages(client: httpx.AsyncClient, record: Record, project: Project) -> None:
    payment_id = await record(paid(request_payment()))
    await project()
    path = f"/payments/{payment_id}/events"

    first = (await client.get(path, params={"limit": 2})).json()
    second = (await client.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [entry["version"] for entry in first["data"]] == [1, 2]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [entry["version"] for entry in second["data"]] == [3]


async def test_a_cursor_of_a_payment_that_is_not_there_is_404(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    payment_id = await record(paid(request_payment()))
    await project()
    first = (await client.get(f"/payments/{payment_id}/events", params={"limit": 2})).json()
    beyond = {"cursor": "WzNd"}  # [3]: after the last event

    response = await client.get(f"/payments/{uuid.uuid4()}/events", params={"cursor": first["next_cursor"]})
    assert response.status_code == 404
    empty = await client.get(f"/payments/{payment_id}/events", params=beyond)
    assert empty.json() == {"data": [], "has_more": False, "next_cursor": None}


async def test_a_timeline_that_was_kept_long_enough_is_empty(
    client: httpx.AsyncClient, record: Record, project: Project, database: Database
) -> None:
    payment_id = await record(paid(request_payment()))
    await project()
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("UPDATE read_model.payments SET updated_at = now() - interval '400 days'")
        await owner.execute("UPDATE read_model.payment_timeline SET at = now() - interval '400 days'")
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as app:
        await app.execute("SELECT read_model.forget_timelines(interval '365 days', 0, 100)")

    response = await client.get(f"/payments/{payment_id}/events")

    assert (response.status_code, response.json()) == (200, {"data": [], "has_more": False, "next_cursor": None})
    assert (await client.get(f"/payments/{payment_id}")).json()["status"] == "succeeded"
    assert (await client.get(f"/payments/{uuid.uuid4()}/events")).status_code == 404

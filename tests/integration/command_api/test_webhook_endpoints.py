"""What a merchant does about its endpoints over HTTP, on a real database."""

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from infra.webhooks_out.endpoints import MOST_ENDPOINTS
from infra.webhooks_out.rotation import MOST_SECRETS
from schemas.http.webhook_endpoints import (
    WebhookDeliveryPage,
    WebhookEndpointList,
    WebhookEndpointView,
    WebhookEndpointWithSecret,
)
from tests.integration.command_api.running_api import OTHER_API_KEY, Running
from tests.support.database import Database

pytestmark = pytest.mark.integration

PATH = "/webhook-endpoints"
URL = "https://shop.example/webhooks"
OTHERS = {"Authorization": f"Bearer {OTHER_API_KEY}"}


async def made(api: Running, url: str = URL, **fields: Any) -> dict[str, Any]:
    answer = await api.client.post(PATH, json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    WebhookEndpointWithSecret.model_validate_json(answer.content)
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.json())


async def a_delivery(api: Running, endpoint_id: str, *, position: int = 1, status: str = "delivered") -> str:
    async with api.pool.connection() as conn:
        cursor = await conn.execute(
            "INSERT INTO webhooks_out.deliveries"
            " (endpoint_id, event_id, payment_id, version, position, event_type, status)"
            " VALUES (%s, gen_random_uuid(), gen_random_uuid(), 1, %s, 'payment.requested', %s)"
            " RETURNING delivery_id::text",
            [endpoint_id, position, status],
        )
        row = await cursor.fetchone()
        assert row is not None
        await conn.execute(
            "INSERT INTO webhooks_out.attempts (delivery_id, duration_ms, status, answer) VALUES (%s, 12, 200, 'ok')",
            row,
        )
    return str(row[0])


async def test_an_endpoint_is_made_shown_changed_and_deleted(api: Running) -> None:
    endpoint = await made(api, event_types=["payment.succeeded"], description="the shop")
    path = f"{PATH}/{endpoint['id']}"
    secret = endpoint.pop("secret")
    assert secret.startswith("whsec_")
    listed = await api.client.get(PATH)
    WebhookEndpointList.model_validate_json(listed.content)
    assert listed.json() == {"data": [endpoint]}
    assert secret not in listed.text
    changed = await api.client.patch(path, json={"enabled": False, "description": ""})
    WebhookEndpointView.model_validate_json(changed.content)
    assert changed.json() == endpoint | {
        "enabled": False,
        "description": "",
        "updated_at": changed.json()["updated_at"],
    }
    assert (await api.client.get(path)).json() == changed.json()
    assert (await api.client.delete(path)).status_code == 204
    assert (await api.client.get(PATH)).json() == {"data": []}
    for answer in (await api.client.get(path), await api.client.delete(path), await api.client.patch(path, json={})):
        assert answer.status_code == 404


async def test_the_secret_is_in_no_table(api: Running) -> None:
    endpoint = await made(api)
    async with api.pool.connection() as conn:
        row = await (await conn.execute("SELECT secret FROM webhooks_out.endpoints")).fetchone()
    assert row is not None
    assert endpoint["secret"].encode() not in bytes(row[0])
    assert endpoint["secret"].removeprefix("whsec_").encode() not in bytes(row[0])


async def test_a_secret_is_rotated(api: Running) -> None:
    endpoint = await made(api)
    path = f"{PATH}/{endpoint['id']}/rotate-secret"
    rotated = (await api.client.post(path)).json()
    assert rotated["secret"] != endpoint["secret"]
    assert rotated["previous_secret_until"] is not None
    first_until = rotated["previous_secret_until"]
    assert rotated["previous_secrets"] == [{"signs_until": first_until}]
    leaked = (await api.client.post(path, json={"overlap_seconds": 0})).json()
    assert leaked["previous_secrets"] == rotated["previous_secrets"]
    longer = (await api.client.post(path, json={"overlap_seconds": 7 * 86_400})).json()
    assert longer["previous_secret_until"] == first_until
    assert [each["signs_until"] for each in longer["previous_secrets"]] == sorted(
        [first_until, longer["previous_secrets"][1]["signs_until"]]
    )
    shown = (await api.client.get(f"{PATH}/{endpoint['id']}")).json()
    assert shown == {name: value for name, value in longer.items() if name != "secret"}
    alone = (await api.client.post(path, json={"overlap_seconds": 0, "end_previous_secrets": True})).json()
    assert (alone["previous_secret_until"], alone["previous_secrets"]) == (None, [])


async def test_there_is_an_end_of_secrets_that_sign_and_none_is_lost(api: Running) -> None:
    endpoint = await made(api)
    path = f"{PATH}/{endpoint['id']}/rotate-secret"
    for number in range(1, MOST_SECRETS):
        last = await api.client.post(path, json={"overlap_seconds": number * 3600})
        assert last.status_code == 200, last.text
    refused = await api.client.post(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhook_secrets")
    assert last.json()["previous_secret_until"] in refused.json()["detail"]
    shown = (await api.client.get(f"{PATH}/{endpoint['id']}")).json()
    assert shown == {name: value for name, value in last.json().items() if name != "secret"}
    assert len(shown["previous_secrets"]) == MOST_SECRETS - 1
    leaked = await api.client.post(path, json={"overlap_seconds": 0})
    assert leaked.json()["previous_secrets"] == shown["previous_secrets"]


async def test_a_repeated_request_makes_no_second_endpoint(api: Running) -> None:
    await made(api)
    answer = await api.client.post(PATH, json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_endpoint_exists")
    second = await made(api, "https://two.example/")
    changed = await api.client.patch(f"{PATH}/{second['id']}", json={"url": URL})
    assert (changed.status_code, changed.json()["code"]) == (409, "webhook_endpoint_exists")
    await api.client.delete(f"{PATH}/{second['id']}")
    await made(api, "https://two.example/")


async def test_of_many_equal_requests_at_once_one_makes_an_endpoint(api: Running) -> None:
    answers = await asyncio.gather(*(api.client.post(PATH, json={"url": URL}) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert len((await api.client.get(PATH)).json()["data"]) == 1


async def test_there_is_an_end_of_endpoints(api: Running) -> None:
    for number in range(MOST_ENDPOINTS):
        await made(api, f"https://shop.example/{number}")
    answer = await api.client.post(PATH, json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhook_endpoints")


async def test_the_end_of_endpoints_holds_for_many_requests_at_once(api: Running) -> None:
    for number in range(MOST_ENDPOINTS - 1):
        await made(api, f"https://shop.example/{number}")
    answers = await asyncio.gather(*(api.client.post(PATH, json={"url": f"{URL}/{each}"}) for each in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert len((await api.client.get(PATH)).json()["data"]) == MOST_ENDPOINTS
    others = await api.client.post(PATH, json={"url": URL}, headers=OTHERS)
    assert others.status_code == 201


async def test_another_merchants_endpoint_is_not_there(api: Running) -> None:
    endpoint = await made(api)
    delivery_id = await a_delivery(api, endpoint["id"])
    path = f"{PATH}/{endpoint['id']}"
    assert (await api.client.get(PATH, headers=OTHERS)).json() == {"data": []}
    times = {"from": "2026-05-01", "until": "2026-05-02"}
    answers = [
        await api.client.get(path, headers=OTHERS),
        await api.client.patch(path, json={"enabled": False}, headers=OTHERS),
        await api.client.delete(path, headers=OTHERS),
        await api.client.post(f"{path}/rotate-secret", headers=OTHERS),
        await api.client.get(f"{path}/deliveries", headers=OTHERS),
        await api.client.post(f"{path}/deliveries/{delivery_id}/resend", headers=OTHERS),
        await api.client.post(f"{path}/replays", json=times, headers=OTHERS),
    ]
    assert [answer.status_code for answer in answers] == [404] * 7
    assert (await api.client.get(path)).json()["enabled"] is True
    # Of another endpoint of the same merchant neither.
    other = await made(api, "https://two.example/")
    wrong = await api.client.post(f"{PATH}/{other['id']}/deliveries/{delivery_id}/resend")
    assert (wrong.status_code, wrong.json()["code"]) == (404, "webhook_delivery_not_found")


async def test_deliveries_are_paged_and_resent(api: Running) -> None:
    endpoint = await made(api)
    path = f"{PATH}/{endpoint['id']}/deliveries"
    found = [await a_delivery(api, endpoint["id"], position=number) for number in range(1, 6)]
    failed = await a_delivery(api, endpoint["id"], position=6, status="failed")
    seen: list[str] = []
    before: int | None = None
    while True:
        parameters = {"limit": 2} | ({} if before is None else {"before": before})
        answer = await api.client.get(path, params=parameters)
        page = WebhookDeliveryPage.model_validate_json(answer.content)
        seen += [str(each.id) for each in page.data]
        before = page.next_before
        if not page.has_more:
            break
    assert seen == [failed, *reversed(found)]
    assert [each["id"] for each in (await api.client.get(path, params={"status": "failed"})).json()["data"]] == [failed]
    assert (await api.client.post(f"{path}/{failed}/resend")).status_code == 202
    (pending,) = (await api.client.get(path, params={"status": "pending"})).json()["data"]
    assert pending["id"] == failed
    assert pending["attempts"][0]["status"] == 200
    assert (await api.client.post(f"{path}/{uuid4()}/resend")).status_code == 404
    await api.client.patch(f"{PATH}/{endpoint['id']}", json={"enabled": False})
    refused = await api.client.post(f"{path}/{failed}/resend")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_endpoint_disabled")


@pytest.mark.parametrize("parameters", [{"status": "lost"}, {"limit": "101"}, {"before": "0"}, {"page": "2"}])
async def test_parameters_that_are_wrong_are_refused(api: Running, parameters: dict[str, str]) -> None:
    endpoint = await made(api)
    answer = await api.client.get(f"{PATH}/{endpoint['id']}/deliveries", params=parameters)
    assert answer.status_code in {400, 422}


async def test_a_replay_is_written_down_with_who_asked_for_it(api: Running) -> None:
    endpoint = await made(api)
    body = {"from": "2026-05-01T10:00:00Z", "until": "2026-05-01T12:00:00Z"}
    answer = await api.client.post(f"{PATH}/{endpoint['id']}/replays", json=body)
    assert answer.status_code == 202
    async with api.pool.connection() as conn:
        rows = await (await conn.execute("SELECT replay_id::text, actor FROM webhooks_out.replays")).fetchall()
    assert rows == [(answer.json()["id"], "api:one")]
    again = await api.client.post(f"{PATH}/{endpoint['id']}/replays", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "webhook_replay_under_way")


@pytest.mark.parametrize("role", ["projector", "query", "audit"])
async def test_no_other_role_sees_endpoints_or_deliveries(database: Database, role: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url(role), autocommit=True) as conn:
        for table in ("endpoints", "previous_secrets", "deliveries", "attempts", "replays"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute(f"SELECT * FROM webhooks_out.{table}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE webhooks_out.attempts SET status = 200",
        "UPDATE webhooks_out.deliveries SET event_id = gen_random_uuid()",
        "UPDATE webhooks_out.endpoints SET merchant_id = 'another'",
        "UPDATE webhooks_out.previous_secrets SET signs_until = 'infinity'",
        "INSERT INTO webhooks_out.previous_secrets SELECT endpoint_id, secret, 'infinity' FROM webhooks_out.endpoints",
        "DELETE FROM webhooks_out.replays",
        "TRUNCATE webhooks_out.attempts",
        "CREATE TABLE webhooks_out.more (id integer)",
    ],
)
async def test_the_application_cannot_rewrite_what_was_sent(database: Database, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement)

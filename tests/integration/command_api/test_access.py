"""Merchants and API keys over HTTP: through a login of their own, with actor and reason in the log."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from domain.access.scopes import SCOPES
from domain.ids import MerchantId
from event_store.access.admin import find_key, list_keys
from event_store.store import Connection
from infra.access.keyring import PREFIX_CHARS, ApiKeyring
from infra.access.watch import KeyWatch
from infra.http.operations import AccessLogin, Limit
from infra.postgres.pool import Pool
from schemas.http import access as bodies
from tests.integration.command_api.running_api import MERCHANT, Running, key, running
from tests.support.database import Database
from tests.support.read_model import load_log

pytestmark = pytest.mark.integration

BY_OLGA = {"Paystream-Actor": "olga"}
SHOP = MerchantId("shop")
NEW_SHOP = {"id": SHOP, "name": "A shop", "reason": "contract 17"}
LIMITS = (Limit(setting="RATE_LIMIT_BURST_S", value=2, unit="s", text="Saved up"),)


@pytest_asyncio.fixture
async def keys() -> ApiKeyring:
    """The operator's, which may say who acts, and one of a merchant."""
    return ApiKeyring(
        [
            key("staff", "admin:read", "admin:write", "actor:set", merchant_id=None),
            key("maker", "admin:read", "admin:write", merchant_id=None),
            key("reader", "admin:read", merchant_id=None),
            key("one", "payments:write", "webhooks:write"),
        ]
    )


@pytest_asyncio.fixture
async def staff(pool: Pool, redis: Redis, database: Database, keys: ApiKeyring) -> AsyncIterator[Running]:
    login = AccessLogin(database_url=database.url("access"), is_production=False)
    async with running(pool, redis, keys=keys, api_key="sk_staff", access=login, limits=LIMITS) as api:
        yield api


async def sent(api: Running, path: str, body: dict[str, Any], status: int = 201) -> Any:
    answer = await api.client.post(path, json=body, headers=BY_OLGA)
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def a_key(api: Running, **changes: Any) -> dict[str, Any]:
    body = {"merchant_id": SHOP, "scopes": ["payments:read"], "days": 30, "reason": "the checkout", **changes}
    made: dict[str, Any] = await sent(api, "/api-keys", body)
    return made


async def refused(answer: httpx.Response, status: int = 409, code: str = "operation_refused") -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return str(answer.json()["detail"])


async def test_a_merchant_and_its_key_are_events_with_actor_and_reason(
    staff: Running, app: Connection, keys: ApiKeyring, pool: Pool
) -> None:
    merchant = bodies.MerchantView.model_validate(await sent(staff, "/merchants", NEW_SHOP))
    assert (merchant.id, merchant.name, merchant.valid_keys, merchant.source) == (SHOP, "A shop", 0, "database")
    made = bodies.ApiKeyWithSecret.model_validate(await a_key(staff))
    assert made.key.startswith("psk_test_")
    assert (made.prefix, made.merchant_id, made.scopes) == (made.key[:PREFIX_CHARS], SHOP, ["payments:read"])
    log = await load_log(app)
    assert [each.type for each in log] == ["access.merchant_created", "access.key_created"]
    for event, reason in zip(log, ("contract 17", "the checkout"), strict=True):
        assert event.metadata.actor == "api:staff/olga"
        assert reason in event.data.decode()
        assert made.key[PREFIX_CHARS:] not in event.data.decode()
    await KeyWatch(pool, keys, interval_s=60).look()
    principal = keys.find(made.key)
    assert principal is not None
    assert (principal.merchant_id, set(principal.scopes)) == ("shop", {"payments:read"})


async def test_a_rotated_key_has_one_successor_which_is_shown_once(staff: Running) -> None:
    await sent(staff, "/merchants", NEW_SHOP)
    old = await a_key(staff)
    order = {"old_valid_hours": 1, "reason": "once a year"}
    new = bodies.ApiKeyWithSecret.model_validate(await sent(staff, f"/api-keys/{old['id']}/rotate", order))
    assert new.key != old["key"]
    shown = (await staff.client.get(f"/api-keys/{old['id']}")).json()
    assert shown["replaced_by"] == str(new.id)
    assert "key" not in shown
    again = await staff.client.post(f"/api-keys/{old['id']}/rotate", json=order)
    assert "was replaced by" in await refused(again)
    listed = (await staff.client.get("/api-keys", params={"merchant_id": SHOP})).json()["data"]
    assert [each["id"] for each in listed] == [old["id"], str(new.id)]


async def test_a_revoked_key_is_refused_and_only_listed_among_all(
    staff: Running, keys: ApiKeyring, pool: Pool, app: Connection
) -> None:
    await sent(staff, "/merchants", NEW_SHOP)
    made = await a_key(staff)
    path = f"/api-keys/{made['id']}/revoke"
    assert (await sent(staff, path, {"reason": "leaked"}, 200))["said"].startswith("It is revoked")
    assert (await sent(staff, path, {"reason": "leaked"}, 200))["said"] == "It was revoked before."
    assert sum(each.type == "access.key_revoked" for each in await load_log(app)) == 1
    await KeyWatch(pool, keys, interval_s=60).look()
    assert keys.find(made["key"]) is None
    of_shop = {"merchant_id": SHOP}
    assert (await staff.client.get("/api-keys", params=of_shop)).json()["data"] == []
    (ended,) = (await staff.client.get("/api-keys", params={**of_shop, "ended": "true"})).json()["data"]
    assert ended["revoked_at"] is not None


async def test_merchants_are_searched_and_come_in_pages(staff: Running) -> None:
    for name in ("alpha", "beta", "gamma"):
        await sent(staff, "/merchants", {"id": name, "name": f"The {name} Shop", "reason": "contract"})

    async def found(**parameters: str) -> tuple[list[str], str | None]:
        answer = await staff.client.get("/merchants", params=parameters)
        page = bodies.MerchantPage.model_validate_json(answer.content)
        return [each.id for each in page.data], page.next_after

    assert await found(search="ALPHA s") == (["alpha"], None)
    assert await found(search="%") == ([], None)
    assert await found(limit="2") == ([MERCHANT, "alpha", "beta"], "beta"), "one that API_KEYS names comes first"
    assert await found(limit="2", after="beta") == (["gamma"], None)


async def test_what_api_keys_names_is_shown_as_of_the_setting(staff: Running) -> None:
    merchant = (await staff.client.get(f"/merchants/{MERCHANT}")).json()
    assert (merchant["source"], merchant["valid_keys"], merchant["created_at"]) == ("setting", 1, None)
    listed = bodies.ApiKeyList.model_validate_json((await staff.client.get("/api-keys?operators=true")).content).data
    assert {(each.id, each.source, each.prefix) for each in listed} == {
        ("staff", "setting", None),
        ("maker", "setting", None),
        ("reader", "setting", None),
    }
    assert (await staff.client.get("/merchants/nobody")).status_code == 404
    assert (await staff.client.get("/api-keys/staff")).status_code == 404


async def test_a_key_of_the_operator_is_never_more_than_the_callers(staff: Running, database: Database) -> None:
    body = {"merchant_id": None, "scopes": ["finance:read"], "days": None, "reason": "more for me"}
    assert "no finance:read" in await refused(await staff.client.post("/api-keys", json=body))
    made = await a_key(staff, merchant_id=None, scopes=["admin:read"])
    assert made["merchant_id"] is None
    async with await psycopg.AsyncConnection.connect(database.url("access"), autocommit=True) as conn:
        assert [each.scopes for each in await list_keys(conn)] == [["admin:read"]]
        assert (await find_key(conn, made["key"][:PREFIX_CHARS])).merchant_id is None


async def test_who_names_nobody_makes_no_key_of_the_operator_that_does(staff: Running) -> None:
    maker = {"Authorization": "Bearer sk_maker"}
    body = {"merchant_id": None, "scopes": ["admin:write", "actor:set"], "days": None, "reason": "another name"}
    assert "no actor:set" in await refused(await staff.client.post("/api-keys", json=body, headers=maker))
    names = await a_key(staff, merchant_id=None, scopes=["admin:read", "actor:set"])
    path, again = f"/api-keys/{names['id']}/rotate", {"old_valid_hours": 1, "reason": "another name"}
    assert "no actor:set" in await refused(await staff.client.post(path, json=again, headers=maker))
    assert (await staff.client.post("/merchants", json=NEW_SHOP, headers=maker)).status_code == 201
    shops = {**body, "merchant_id": SHOP, "scopes": ["payments:read", "actor:set"]}
    assert (await staff.client.post("/api-keys", json=shops, headers=maker)).status_code == 201


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"merchant_id": SHOP}, "there is no merchant shop"),
        ({"merchant_id": MERCHANT, "scopes": ["admin:read"]}, ""),
    ],
)
async def test_a_key_that_cannot_be_leaves_nothing(staff: Running, app: Connection, body: Any, said: str) -> None:
    full = {"scopes": ["payments:read"], "days": None, "reason": "the checkout", **body}
    assert said in await refused(await staff.client.post("/api-keys", json=full))
    assert await load_log(app) == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/merchants", {**NEW_SHOP, "id": "a shop"}, "id"),
        ("/merchants", {**NEW_SHOP, "reason": " "}, "reason"),
        ("/api-keys", {"merchant_id": SHOP, "scopes": [], "days": None, "reason": "r"}, "scopes"),
        ("/api-keys", {"merchant_id": SHOP, "scopes": ["all"], "days": None, "reason": "r"}, "scopes"),
        ("/api-keys", {"merchant_id": SHOP, "scopes": ["payments:read"], "days": 0, "reason": "r"}, "days"),
    ],
)
async def test_a_wrong_body_is_named_by_its_field(staff: Running, path: str, body: Any, field: str) -> None:
    answer = await staff.client.post(path, json=body)
    assert answer.status_code == 422
    assert field in answer.text


async def test_without_the_login_keys_are_shown_and_not_changed(pool: Pool, redis: Redis, keys: ApiKeyring) -> None:
    async with running(pool, redis, keys=keys, api_key="sk_staff") as api:
        assert (await api.client.get("/api-keys")).status_code == 200
        body = {"merchant_id": None, "scopes": ["admin:read"], "days": None, "reason": "r"}
        for path, sent_body in (("/merchants", NEW_SHOP), ("/api-keys", body)):
            answer = await api.client.post(path, json=sent_body)
            assert "ACCESS_DATABASE_URL" in await refused(answer, 501, "access_not_configured")


async def test_who_reads_changes_nothing(staff: Running, app: Connection) -> None:
    headers = {"Authorization": "Bearer sk_reader"}
    assert (await staff.client.get("/merchants", headers=headers)).status_code == 200
    await refused(await staff.client.post("/merchants", json=NEW_SHOP, headers=headers), 403, "forbidden")
    assert await load_log(app) == []


async def test_a_merchants_webhook_endpoints_are_shown_to_the_operator_alone(staff: Running) -> None:
    own = {"Authorization": "Bearer sk_one"}
    made = await staff.client.post("/webhook-endpoints", json={"url": "https://shop.example/hooks"}, headers=own)
    place = f"/merchants/{MERCHANT}/webhook-endpoints"
    (listed,) = (await staff.client.get(place)).json()["data"]
    assert listed["id"] == made.json()["id"]
    assert "secret" not in listed
    one = f"{place}/{listed['id']}"
    assert (await staff.client.get(one)).json() == listed
    deliveries = await staff.client.get(f"{one}/deliveries", params={"status": "failed", "limit": "5"})
    assert deliveries.json() == {"data": [], "has_more": False, "next_before": None}
    assert (await staff.client.get(f"{one}/deliveries?sort=x")).status_code == 400
    assert (await staff.client.get(f"/merchants/shop/webhook-endpoints/{listed['id']}")).status_code == 404
    for wrong in (f"/merchants/%00{MERCHANT}/webhook-endpoints", f"/merchants/{MERCHANT}%00/webhook-endpoints"):
        assert (await staff.client.get(f"{wrong}/{listed['id']}")).status_code == 404, "it names another merchant"
        assert (await staff.client.get(f"{wrong}/{listed['id']}/deliveries")).status_code == 404
    assert (await staff.client.get(place, headers=own)).status_code == 403


async def test_limits_are_told_with_their_settings(staff: Running) -> None:
    (found,) = bodies.LimitList.model_validate_json((await staff.client.get("/limits")).content).data
    assert (found.setting, found.value, found.unit) == ("RATE_LIMIT_BURST_S", 2, "s")


def test_the_bodies_know_the_scopes_of_the_domain() -> None:
    for each in SCOPES:
        bodies.CreateApiKeyBody.model_validate({"merchant_id": None, "scopes": [each], "days": None, "reason": "r"})

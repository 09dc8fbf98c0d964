"""Every route of both APIs, as the OpenAPI documents name them, with a key that must find nothing there.

A merchant's key finds nothing of another merchant's; a key without the scope is refused, as is one that was revoked or
has expired. A route that is added is walked too.
"""

import datetime as dt
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from domain.access.scopes import ACCOUNT_SCOPES, MERCHANT_SCOPES, SCOPES
from domain.ids import MerchantId, StripeIntentId
from domain.money import Money
from domain.payment.observations import RecordIntentCreated
from domain.payment.values import PaymentStatus
from event_store.access.admin import AccessAdmin, By, find_key
from event_store.access.secrets import draw_key
from event_store.store import Connection
from infra.access.keyring import ApiKeyring
from infra.access.watch import KeyWatch
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool, create_pool
from infra.process.health import Health
from infra.redis.client import connect_redis
from query_api.app import create_app
from query_api.freshness import Freshness
from tests.integration.command_api.running_api import Running, running
from tests.integration.command_api.test_webhook_endpoints import a_delivery
from tests.support.database import Database
from tests.support.discrepancies import open_discrepancy
from tests.support.openapi_documents import DOCUMENTS, operations
from tests.support.payment_histories import disputed
from tests.support.read_model import load_log, project_log

pytestmark = pytest.mark.integration

NOT_FOUND = {
    "payment_not_found",
    "split_payment_not_found",
    "webhook_delivery_not_found",
    "webhook_endpoint_not_found",
}
_NEEDS_NO_KEY = {"POST /webhooks/stripe"}
_PAST = 1_700_000_000
CUSTOMER, METHOD = "cus_OfTheFirst", "pm_OfTheFirst"


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation of a document, and the scope that it says it needs."""

    api: str
    method: str
    path: str
    scope: str

    @property
    def is_of_one(self) -> bool:
        """Whether its path names one thing."""
        return "{" in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes() -> Iterator[Route]:
    for api, document in DOCUMENTS.items():
        for name, operation in operations(document):
            method, _, path = name.partition(" ")
            if not operation.get("security"):
                assert name in _NEEDS_NO_KEY, f"{name} needs no API key"
                continue
            scopes = re.findall(r"lacks the scope ([a-z]+:[a-z]+)", operation["responses"]["403"]["description"])
            assert len(scopes) == 1, f"{name} does not say which scope it needs"
            yield Route(api=api, method=method, path=path, scope=scopes[0])


ROUTES = sorted(routes(), key=lambda route: route.method == "DELETE")
"""What takes something away comes last."""


@dataclass(frozen=True, kw_only=True)
class System:
    """Both APIs, what the first merchant has there, and a key for every purpose."""

    apis: dict[str, httpx.AsyncClient]
    keys: dict[str, str]
    payment_id: str
    split_payment_id: str
    endpoint_id: str
    delivery_id: str
    idempotency_key: str
    commands: Running

    async def call(self, route: Route, key: str | None, **query: str) -> httpx.Response:
        """Call a route about what the first merchant has."""
        path = route.path
        for name, value in {
            "payment_id": self.payment_id,
            "split_payment_id": self.split_payment_id,
            "endpoint_id": self.endpoint_id,
            "delivery_id": self.delivery_id,
            **{
                name: str(uuid.uuid4())
                for name in ("reconciliation_id", "discrepancy_id", "task_id", "saga_id", "key_id")
            },
            "dead_letter_id": "4711",
            "payout_id": "po_nobody",
            "stripe_event_id": "evt_nobody",
            "merchant_id": "first",
            "name": "olga",
            "subject": "1",
        }.items():
            path = path.replace("{" + name + "}", value)
        assert "{" not in path, f"{route} has a parameter that this walk does not know"
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        body = _body(route)
        if route.method == "POST":
            headers["Idempotency-Key"] = f"walk-{uuid.uuid4()}"
        return await self.apis[route.api].request(route.method, path, json=body, headers=headers, params=query)


def _body(route: Route) -> dict[str, Any] | None:
    operation = DOCUMENTS[route.api]["paths"][route.path][route.method.lower()]
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]
    (example, *_) = DOCUMENTS[route.api]["components"]["schemas"][name].get("examples", [{}])
    return dict(example)


@pytest_asyncio.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url, timeout_s=2)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def system(database: Database, pool: Pool, app: Connection, redis: Redis) -> AsyncIterator[System]:
    keyring = ApiKeyring([])
    keys = await _made_keys(database)
    await KeyWatch(pool, keyring, interval_s=60).look()
    async with AsyncExitStack() as stack:
        reading, history = [
            await stack.enter_async_context(create_pool(database.url(role), size=2, name="walk", autocommit=True))
            for role in ("query", "audit")
        ]
        commands = await stack.enter_async_context(running(pool, redis, keys=keyring, api_key=keys["first"]))
        freshness = Freshness(reading, wait_ms=100)
        queries = create_app(reading, freshness, keyring=keyring, health=Health(), history=history)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(queries), base_url="http://query")
        await stack.enter_async_context(client)
        payment_id = await commands.succeeded(customer=CUSTOMER, payment_method=METHOD)
        await commands.record(payment_id, disputed("du_OfTheFirst", "ch_1", Money(amount_cents=100, currency="USD")))
        idempotency_key = "of-the-first"
        split = await _split(commands, idempotency_key)
        endpoint_id, delivery_id = await _endpoint(commands)
        await open_discrepancy(app, "ch_1", dt.date(2026, 5, 1), uuid.UUID(payment_id))
        async with create_pool(database.url("projector"), size=2, name="projector-test") as projector:
            await project_log(projector, await load_log(app))
        await app.commit()
        async with httpx.AsyncClient(transport=commands.client._transport, base_url="http://api") as anonymous:
            yield System(
                apis={"command-api": anonymous, "query-api": client},
                keys=keys,
                payment_id=payment_id,
                split_payment_id=split,
                endpoint_id=endpoint_id,
                delivery_id=delivery_id,
                idempotency_key=idempotency_key,
                commands=commands,
            )


async def _split(commands: Running, idempotency_key: str) -> str:
    legs = [{"amount_cents": 500, "payment_method": "pm_card_visa"}] * 2
    body = {"user_id": "user_1", "currency": "USD", "legs": legs}
    answer = await commands.post("/split-payments", body, idempotency_key)
    return str(answer.json()["id"])


async def _endpoint(commands: Running) -> tuple[str, str]:
    answer = await commands.client.post("/webhook-endpoints", json={"url": "https://first.example/webhooks"})
    endpoint_id = answer.json()["id"]
    return endpoint_id, await a_delivery(commands, endpoint_id)


async def _made_keys(database: Database) -> dict[str, str]:
    keys: dict[str, str] = {}
    async with await psycopg.AsyncConnection.connect(database.url("access"), autocommit=True) as conn:
        admin = AccessAdmin(conn, By(actor="ops", reason="a walk"))
        for merchant in ("first", "second"):
            await admin.create_merchant(MerchantId(merchant), merchant)

        async def made(name: str, merchant: str | None, *scopes: str, expires_at: int | None = None) -> None:
            secret = draw_key(is_production=False)
            keys[name] = secret.key
            await admin.create_key(
                secret,
                merchant_id=None if merchant is None else MerchantId(merchant),
                scopes=frozenset(scopes),
                now=_PAST,
                expires_at=expires_at,
            )

        for merchant in ("first", "second"):
            await made(merchant, merchant, *MERCHANT_SCOPES)
        await made("operator", None, *ACCOUNT_SCOPES)
        for scope in SCOPES:
            await made(scope, "first" if scope in MERCHANT_SCOPES else None, scope)
        await made("expired", "first", *MERCHANT_SCOPES, expires_at=_PAST + 1)
        await made("revoked", "first", *MERCHANT_SCOPES)
        await admin.revoke_key(await find_key(conn, keys["revoked"][:17]))
    return keys


def test_the_documents_have_routes_to_walk() -> None:
    assert len(ROUTES) >= 20
    of_none = {"actor:set"}  # it lets a header be sent
    assert {route.scope for route in ROUTES} >= (MERCHANT_SCOPES - of_none) | {"finance:read", "finance:write"}


def _required(route: Route) -> dict[str, str]:
    """Return parameters that a route cannot do without."""
    today = dt.datetime.now(dt.UTC).date()
    days = {"date_from": str(today - dt.timedelta(days=1)), "date_to": str(today)}
    return {"/customer-totals": {"user_id": "user_1"}, "/payment-totals": days}.get(route.path, {})


async def test_another_merchants_key_finds_nothing(system: System) -> None:
    own, foreign = system.keys["first"], system.keys["second"]
    for route in ROUTES:
        query = _required(route)
        answer = await system.call(route, foreign, **query)
        if route.scope in ACCOUNT_SCOPES:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), route
        elif route.is_of_one:
            assert answer.status_code == 404, (route, answer.text)
            assert answer.json()["code"] in NOT_FOUND, route
            assert (await system.call(route, own)).status_code != 404, f"{route}: its owner finds it"
        elif route.method == "GET":
            theirs, ours = answer.json(), (await system.call(route, own, **query)).json()
            assert theirs.get("data", []) == [], route
            assert not theirs.get("count"), route
            assert theirs != ours, f"{route}: its owner finds it"
        else:  # opens something of its own
            assert answer.status_code == 201, (route, answer.text)


async def test_no_parameter_opens_what_is_anothers(system: System) -> None:
    foreign = system.keys["second"]
    for path, query in (
        ("/payments/{payment_id}", {"version": "1"}),
        ("/payments/{payment_id}", {"as_of": "2030-01-01T00:00:00Z"}),
        ("/payments/{payment_id}/events", {"limit": "1"}),
        ("/payments", {"user_id": "user_1"}),
        ("/payments", {"split_payment_id": system.split_payment_id}),
        ("/payments", {"idempotency_key": system.idempotency_key}),
        ("/split-payments", {"user_id": "user_1"}),
        ("/merchant/ledger/entries", {"payment_id": system.payment_id}),
        ("/merchant/ledger/balances", {"as_of": "2030-01-01T00:00:00Z"}),
        ("/merchant/discrepancies", {"payment_id": system.payment_id}),
    ):
        (route,) = (each for each in ROUTES if (each.api, each.path) == ("query-api", path))
        answer = await system.call(route, foreign, **query)
        if route.is_of_one:
            assert answer.status_code == 404, (route, query)
        else:
            assert answer.json()["data"] == [], (route, query)


async def test_an_idempotency_key_of_another_merchant_answers_nothing_of_theirs(system: System) -> None:
    legs = [{"amount_cents": 500, "payment_method": "pm_card_visa"}] * 2
    answer = await system.apis["command-api"].post(
        "/split-payments",
        json={"user_id": "user_1", "currency": "USD", "legs": legs},
        headers={"Authorization": f"Bearer {system.keys['second']}", "Idempotency-Key": system.idempotency_key},
    )
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers
    assert answer.json()["id"] != system.split_payment_id


async def test_a_route_takes_its_own_scope_and_no_other(system: System) -> None:
    for route in ROUTES:
        for scope in SCOPES:
            answer = await system.call(route, system.keys[scope])
            if scope == route.scope:
                assert answer.status_code not in {401, 403}, (route, scope, answer.text)
            else:
                assert answer.status_code == 403, (route, scope)
                assert f'scope="{route.scope}"' in answer.headers["www-authenticate"], route


async def test_a_key_that_is_not_valid_opens_nothing(system: System) -> None:
    wrong = system.keys["first"][:-1] + "_"
    for route in ROUTES:
        for key in (None, wrong, system.keys["expired"], system.keys["revoked"]):
            answer = await system.call(route, key)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (route, key and key[:17])


@pytest.mark.parametrize("named", [{"customer": CUSTOMER}, {"payment_method": METHOD}])
async def test_another_merchants_customer_or_method_pays_nothing(system: System, named: dict[str, str]) -> None:
    client = system.apis["command-api"]
    headers = {"Authorization": f"Bearer {system.keys['second']}"}
    body = {"user_id": "user_1", "amount_cents": 100, "currency": "USD"}
    refused = await client.post("/payments", json=body | named, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "stripe_object_of_another_merchant")
    taken = await client.post("/payments", json=body | {"payment_method": "pm_card_visa"}, headers=headers)
    assert taken.status_code == 201, "test ids are everybody's"
    if "payment_method" in named:
        made = (await client.post("/payments", json=body, headers=headers)).json()
        await system.commands.record(
            made["id"],
            RecordIntentCreated(intent_id=StripeIntentId("pi_2"), status=PaymentStatus.REQUIRES_PAYMENT_METHOD),
        )
        confirmed = await client.post(f"/payments/{made['id']}/confirm", json=named, headers=headers)
        assert confirmed.json()["code"] == "stripe_object_of_another_merchant"
        legs = [{"amount_cents": 500, **named}, {"amount_cents": 500, "payment_method": "pm_card_visa"}]
        split = await client.post(
            "/split-payments", json={"user_id": "user_1", "currency": "USD", "legs": legs}, headers=headers
        )
        assert split.json()["code"] == "stripe_object_of_another_merchant"

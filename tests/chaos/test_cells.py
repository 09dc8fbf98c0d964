"""Two cells behind one address, on one Kafka: when one is lost, the merchants of the other see nothing of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from infra.embedded.process import processes_of
from infra.http.position_tokens import POSITION_TOKEN
from infra.kafka.topics import describe_topics
from infra.settings.kafka import KafkaSettings
from schemas.topics import event_topics
from tests.support.brokers import chosen_layout, on_apache
from tests.support.haproxy import Front, haproxy, lacking
from tests.support.kafka import consumer_groups, read_topic
from tests.support.paystream_command import paystream
from tests.support.signed_webhooks import a_stripe_event, deliver, secret_of
from tests.support.system import System, new_key, running_system
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.broker,
    pytest.mark.timeout(240),
    pytest.mark.own_system,
    pytest.mark.skipif(lacking() is not None, reason=f"NOT CHECKED: two cells: {lacking()}"),
]

SHOP = {"user_id": "user_1", "amount_cents": 1000, "currency": "USD", "payment_method": "pm_card_visa"}
LONGEST_S = 5.0


@dataclass(kw_only=True)
class Merchant:
    """A merchant as it calls the front; it does not know that there are cells."""

    command: httpx.AsyncClient
    query: httpx.AsyncClient
    made: list[str] = field(default_factory=list)

    async def pay(self, key: str | None = None) -> httpx.Response:
        return await self.command.post("/payments", json=SHOP, headers={"Idempotency-Key": key or new_key()})

    async def buy(self) -> dict[str, Any]:
        """Pay, and read it until it has succeeded."""
        answer = await self.pay()
        assert answer.status_code == 201, answer.text
        return await self.succeeded(answer.json())

    async def succeeded(self, created: dict[str, Any]) -> dict[str, Any]:
        self.made.append(created["id"])

        async def probe() -> dict[str, Any]:
            shown = await self.query.get(f"/payments/{created['id']}", params={"min_position": created["position"]})
            assert shown.status_code == 200, shown.text
            return shown.json()  # type: ignore[no-any-return]

        return await eventually(probe, lambda shown: shown["status"] == "succeeded", within=20)


@asynccontextmanager
async def merchant(front: Front, key: str) -> AsyncIterator[Merchant]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(base_url=front.command_api, headers=headers, timeout=LONGEST_S) as command,
        httpx.AsyncClient(base_url=front.query_api, headers=headers, timeout=LONGEST_S) as query,
    ):
        yield Merchant(command=command, query=query)


@asynccontextmanager
async def a_cell(folder: Path, name: str, **settings: str) -> AsyncIterator[System]:
    """Run a cell, with an endpoint at Stripe that has a secret of its own."""
    secret = f"whsec_of_cell_{name}"
    own = {"CELL": name, "STRIPE_WEBHOOK_SECRET": secret, "STRIPE_SANDBOX_WEBHOOK_SECRET": secret}
    processes = processes_of(chosen_layout())
    async with running_system(folder / name, processes=processes, settings=own | settings) as system:
        yield system


async def stored_key(system: System, name: str, folder: Path) -> tuple[str, str]:
    """Make a merchant with a key, as the operator of a cell does; return the key, and the cell's map."""
    settings = {"paystream_home": system.stack.home.path}

    async def run(*arguments: str) -> str:
        ended = await paystream(*arguments, cwd=folder, settings=settings)
        assert ended.code == 0, ended.errors
        return ended.output

    await run("merchants", "create", f"shop-{name}", "--reason", "a test")
    key = (await run("keys", "create", "--merchant", f"shop-{name}", "--reason", "a test")).strip()
    keys = await run("keys", "map", name)
    assert keys == f"{key[:17]} {name}\n"
    return key, keys


async def merchants_in(system: System) -> set[str]:
    """Return whose payments are in the log of a cell."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as owner:
        rows = await owner.execute(
            "SELECT DISTINCT data->>'merchant_id' FROM event_store.events WHERE type = 'payment.requested'"
        )
        return {name for (name,) in await rows.fetchall()}


async def test_the_loss_of_a_cell_is_not_seen_in_another(tmp_path: Path) -> None:
    async with AsyncExitStack() as running:
        b = await running.enter_async_context(a_cell(tmp_path, "b"))
        kafka = b.stack.kafka_bootstrap_servers
        a = await running.enter_async_context(a_cell(tmp_path, "a", KAFKA_BOOTSTRAP_SERVERS=kafka))
        (key_a, keys_a), (key_b, keys_b) = await asyncio.gather(
            stored_key(a, "a", tmp_path), stored_key(b, "b", tmp_path)
        )
        hosts = "a.pay.example a\nb.pay.example b\n"
        front = await running.enter_async_context(
            haproxy(tmp_path / "front", {"a": a, "b": b}, keys=keys_a + keys_b, hosts=hosts)
        )
        shop_a = await running.enter_async_context(merchant(front, key_a))
        shop_b = await running.enter_async_context(merchant(front, key_b))

        await asyncio.gather(_known(shop_a), _known(shop_b))
        await asyncio.gather(shop_a.buy(), shop_b.buy())
        await _is_routed_by_what_it_may(front, shop_a, shop_b, a)
        await _positions_name_their_cell(shop_a, shop_b)
        await _each_has_topics_of_its_own(a, b)

        async with lost_by(shop_b) as during:
            a.stack.kill("postgres")
            repeated = new_key()
            refused = await shop_a.pay(repeated)
            await _so_many_more(shop_b, 5)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert max(during) < LONGEST_S

        await a.stack.restart("postgres")
        accepted = await eventually(lambda: shop_a.pay(repeated), lambda answer: answer.status_code == 201, within=60)
        await shop_a.succeeded(accepted.json())

        assert await merchants_in(a) == {"shop-a"}
        await eventually(a.differences, lambda found: found == [])
        async with lost_by(shop_b) as during:
            a.stack.kill_all()
            gone = await eventually(shop_a.pay, lambda answer: answer.status_code == 503, within=10)
            await _so_many_more(shop_b, 5)
        assert (gone.json()["code"], gone.headers["Retry-After"]) == ("cell_unavailable", "5")
        assert max(during) < LONGEST_S

        assert await merchants_in(b) == {"shop-b"}
        await eventually(b.differences, lambda found: found == [])
        charges = await asyncio.gather(*map(b.charges, shop_b.made))
        assert {len(each) for each in charges} == {1}


@asynccontextmanager
async def lost_by(shop: Merchant) -> AsyncIterator[list[float]]:
    """Have a merchant buy all the while, one after another; the list is how long each request for a payment took."""
    seconds: list[float] = []

    async def buys() -> None:
        while True:
            began = time.perf_counter()
            answer = await shop.pay()
            seconds.append(time.perf_counter() - began)
            assert answer.status_code == 201, answer.text
            await shop.succeeded(answer.json())

    async with asyncio.TaskGroup() as group:
        buying = group.create_task(buys())
        yield seconds
        buying.cancel()


async def _so_many_more(shop: Merchant, more: int) -> None:
    already = len(shop.made)

    async def so_many() -> bool:
        return len(shop.made) >= already + more

    await eventually(so_many, within=60)


async def _known(shop: Merchant) -> None:
    """Wait until both APIs of its cell take its key."""

    async def is_known() -> bool:
        answers = [await shop.query.get("/payments"), await shop.command.post("/payments", json={})]
        return [each.status_code for each in answers] == [200, 422]

    await eventually(is_known, within=15)


async def _is_routed_by_what_it_may(front: Front, shop_a: Merchant, shop_b: Merchant, a: System) -> None:
    foreign = await shop_b.query.get(f"/payments/{shop_a.made[0]}")
    assert foreign.status_code == 404
    async with httpx.AsyncClient(base_url=front.command_api) as anybody:
        unknown = await anybody.post("/payments", json=SHOP, headers={"Authorization": "Bearer psk_test_nobody00x"})
        nothing = await anybody.post("/payments", json=SHOP)
        inside = await anybody.get("/metrics")
        operators = await anybody.get("/system")
        event = await deliver(anybody, a_stripe_event(), secret_of(a), Host="a.pay.example")
        elsewhere = await deliver(anybody, a_stripe_event(), secret_of(a), Host="c.pay.example")
        astray = await deliver(anybody, a_stripe_event(), secret_of(a), Host="b.pay.example")
    assert [each.status_code for each in (unknown, nothing)] == [401, 401]
    assert {each.json()["code"] for each in (unknown, nothing)} == {"unauthenticated"}
    assert [each.status_code for each in (inside, operators, elsewhere)] == [404] * 3
    assert event.status_code == 200, event.text
    assert (astray.status_code, astray.json()["code"]) == (400, "invalid_signature")


async def _positions_name_their_cell(shop_a: Merchant, shop_b: Merchant) -> None:
    """Have what one cell answered asked of the other, whose log is longer and shorter than that in turn."""
    for shop, other, name in ((shop_a, shop_b, "a"), (shop_b, shop_a, "b")):
        created = await shop.pay()
        token = created.headers[POSITION_TOKEN]
        assert token == f"{name}:{created.json()['position']}"
        path = f"/payments/{created.json()['id']}"
        shown = await shop.query.get(path, headers={POSITION_TOKEN: token})
        assert shown.status_code == 200, shown.text
        assert shown.headers[POSITION_TOKEN].startswith(f"{name}:")
        refused = await other.query.get("/payments", headers={POSITION_TOKEN: token})
        assert (refused.status_code, refused.json()["code"]) == (400, "position_of_another_cell")
        await shop.succeeded(created.json())


async def _each_has_topics_of_its_own(a: System, b: System) -> None:
    """Read the one Kafka as others do: a cell's topic has the events of its log, and none of the other's."""
    found = {name.lower(): value for name, value in b.stack.connection_settings("relay").items()}
    settings = KafkaSettings.model_validate(found)

    async def logged_and_published(system: System, name: str) -> tuple[set[str], set[str]]:
        logged = await _payment_events(system)
        partitions = await read_topic(settings, f"paystream.{name}.payment")
        return logged, {dict(each.headers)["ce_id"].decode() for records in partitions.values() for each in records}

    for system, name in ((a, "a"), (b, "b")):
        logged, published = await eventually(
            partial(logged_and_published, system, name), lambda both: both[0] == both[1], within=20
        )
        assert logged
        assert logged == published
    if on_apache():  # the embedded broker cannot be asked for its groups
        # webhooks-out joins its group once there is an endpoint
        consumers = {"projector", "stripe-gateway", "stripe-webhooks", "sagas", "reconciliation"}
        assert await consumer_groups(settings) == {f"{cell}.{each}" for cell in "ab" for each in consumers}
    without_cell = set(event_topics()) & (await describe_topics(settings)).keys()
    assert [topic for topic in without_cell if any((await read_topic(settings, topic)).values())] == []


async def _payment_events(system: System) -> set[str]:
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as owner:
        rows = await owner.execute("SELECT event_id FROM event_store.events WHERE category = 'payment'")
        return {str(event_id) for (event_id,) in await rows.fetchall()}

"""The day shows everything at once, goes on whatever goes wrong, and never asks for more than is there."""

import asyncio
import json
import random
from collections import Counter
from typing import Any

import httpx
import pytest

from infra.cli.demo_day import DemoDay
from infra.cli.settings import UpSettings
from tests.support.waiting import eventually

STATUSES = {"pm_card_authenticationRequired": "requires_action"}


class World:
    """Both APIs and the sandbox: payments succeed but for those that wait, and every request is kept."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.left: dict[str, int] = {}
        self.is_away = False
        self.said: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("refused", request=request)
        path, body = request.url.path, json.loads(request.content or b"{}")
        self.requests.append((request.method, path, body))
        if path == "/payments":
            payment_id = f"p{len(self.left)}"
            status = STATUSES.get(body["payment_method"], "succeeded")
            if body.get("capture_method") == "manual":
                status = "requires_capture"
            self.left[payment_id] = body["amount_cents"] if status == "succeeded" else 0
            created = {"id": payment_id, "status": status, "stripe_payment_intent_id": f"pi_{payment_id}"}
            return httpx.Response(201, json=body | created)
        if path.endswith("/refund"):
            self._take(path, body["amount_cents"])
        if path.endswith("/capture"):
            self.left[path.split("/")[2]] = body["amount_cents"]
        if path.startswith("/_sandbox/payment_intents/") and body["outcome"] == "succeed":
            self.left[path.split("/")[3].removeprefix("pi_")] = 10**6
        if path == "/_sandbox/payouts/run":
            return httpx.Response(200, json=[{"id": "po_1", "amount": 100, "currency": "usd"}])
        if request.method == "GET":
            return httpx.Response(200, json={"dispute": {"id": "dp_1", "status": "needs_response"}})
        return httpx.Response(200, json={})

    def _take(self, path: str, amount: int) -> None:
        payment_id = path.split("/")[2]
        assert 0 < amount <= self.left[payment_id], "no more than is left"
        self.left[payment_id] -= amount

    def day(self, seed: int = 1, pace: int = 600) -> DemoDay:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://test")
        return DemoDay(
            command_api=client,
            query_api=client,
            sandbox=client,
            say=self.said.append,
            pace_per_minute=pace,
            chance=random.Random(seed),
        )


async def test_the_opening_shows_every_kind_of_thing() -> None:
    world = World()
    for step in world.day().opening():
        await step()
    cards = Counter(body["payment_method"] for _, path, body in world.requests if path == "/payments")
    paths = [path for _, path, _ in world.requests]
    assert any("chargeDeclined" in card for card in cards)
    assert any("createDispute" in card for card in cards)
    assert cards["pm_card_authenticationRequired"] == 1
    assert any(path.endswith("/refund") for path in paths)
    assert {"/_sandbox/faults", "/_sandbox/payouts/run"} <= set(paths)


@pytest.mark.parametrize("seed", range(5))
async def test_a_long_day_never_gives_back_more_than_was_paid(seed: int) -> None:
    world = World()
    day = world.day(seed)
    for _ in range(400):
        await day._played(day._next())
    assert not [said for said in world.said if "went wrong" in said]
    paths = Counter(path.rpartition("/")[2] for _, path, _ in world.requests)
    for kind in ("payments", "refund", "capture", "cancel", "authenticate", "decide", "run", "faults"):
        assert paths[kind], kind
    assert any(path.startswith("/_sandbox/payouts/po_1/") for _, path, _ in world.requests), "a payout arrives"


async def test_keys_are_never_used_twice() -> None:
    keys: list[str] = []
    world = World()
    day = world.day()

    async def keep(request: httpx.Request) -> None:
        if "idempotency-key" in request.headers:
            keys.append(request.headers["idempotency-key"])

    day.command_api.event_hooks = {"request": [keep]}
    for _ in range(100):
        await day._played(day._next())
    assert len(keys) > 50
    assert len(set(keys)) == len(keys)


async def test_it_goes_on_after_an_outage_and_ends_when_told() -> None:
    world = World()
    world.is_away = True
    playing = asyncio.create_task(world.day().play())

    async def said() -> list[str]:
        return world.said

    await eventually(said, lambda lines: len(lines) >= 5, every=0.001)
    assert all("went wrong, the day goes on: ConnectError" in line for line in world.said)
    world.is_away = False
    await eventually(said, lambda lines: any("succeeded" in line for line in lines), every=0.01)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing


@pytest.mark.parametrize("pace", [0, 601])
def test_the_pace_has_bounds(pace: int) -> None:
    with pytest.raises(ValueError, match="demo_pace"):
        UpSettings.model_validate({"demo_pace": pace})

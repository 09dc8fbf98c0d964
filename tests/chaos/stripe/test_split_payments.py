"""Split payments while Stripe shows every fault that it can show, and every process is killed again and again.

At the end the sandbox has taken all of each, or nothing.
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from domain.ids import StripeIntentId
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.faults.rules import OF_REQUESTS, OF_WEBHOOKS
from tests.chaos.stripe.random_faults import let_loose
from tests.chaos.stripe.shoppers import persist
from tests.chaos.stripe.test_all_faults import SETTINGS, dead_letters, fired, kill_at_random
from tests.support.payment_load import chaos_seed
from tests.support.split_payments import DECLINED, STRONG, VISA, SplitPayments, a_split
from tests.support.system import Json, System, new_key, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.own_system]

SPLIT_PAYMENTS = int(os.environ.get("CHAOS_PAYMENTS", "75")) // 5
CLIENTS = 10
_METHODS = (VISA, VISA, VISA, VISA, DECLINED, STRONG, "pm_card_mastercard")
_FINISHES_WITHIN_S = 240
_ENOUGH_TO_MEET_ALL = 100


@dataclass(kw_only=True)
class Diners:
    """Groups that split a bill; `made` are the ids of all split payments."""

    system: System
    admin: SandboxAdmin
    seed: int
    made: list[str] = field(default_factory=list)
    requested: Counter[str] = field(default_factory=Counter)

    async def dine(self, groups: int) -> None:
        """Have so many groups come, some at a time."""
        numbers = iter(range(groups))

        async def client() -> None:
            for number in numbers:
                await self._pay(random.Random(self.seed * 1_000_003 + number))

        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(client())

    async def _pay(self, chance: random.Random) -> None:
        legs = chance.randrange(2, 5)
        methods = [chance.choice(_METHODS) for _ in range(legs)]
        if chance.random() < 0.1:
            methods[chance.randrange(legs)] = "pm_none"
        cents = [chance.randrange(100, 50_000) for _ in range(legs)]
        body = a_split(*methods, cents=cents, expires_in_seconds=chance.choice((10, 15, 25)))
        created = await self._post("/split-payments", body, "create")
        assert created.status_code == httpx.codes.CREATED, created.text
        split_payment_id = str(created.json()["id"])
        self.made.append(split_payment_id)
        if chance.random() < 0.15:
            await asyncio.sleep(chance.random() * 3)
            await self._post(f"/split-payments/{split_payment_id}/cancel", {}, "cancel")
        shown = await self._help_customers(split_payment_id, chance)
        if shown["status"] == "completed" and chance.random() < 0.6:
            part = chance.randrange(100, shown["amount_cents"])
            refund = chance.choice(({}, {"amount_cents": part}))
            await self._post(f"/split-payments/{split_payment_id}/refund", refund, "refund")

    async def _help_customers(self, split_payment_id: str, chance: random.Random) -> Json:
        """Authenticate, and bring other cards, as some customers do, until it is over or for a while."""
        give_up_at = time.monotonic() + 30
        gone = {number for number in range(5) if chance.random() < 0.15}
        while True:
            answer = await persist(lambda: self.system.query.get(f"/split-payments/{split_payment_id}"))
            shown: Json = answer.json()
            if answer.is_success and shown["status"] in {"completed", "compensated"}:
                return shown
            if time.monotonic() > give_up_at:
                return {"status": "left"}
            if answer.is_success:
                for number, leg in enumerate(shown["legs"]):
                    if number not in gone:
                        await self._help(leg, chance)
            await asyncio.sleep(0.3)

    async def _help(self, leg: Json, chance: random.Random) -> None:
        if leg["status"] == "requires_payment_method":
            await self._post(f"/payments/{leg['payment_id']}/confirm", {"payment_method": VISA}, "confirm")
        elif leg["status"] == "requires_action":
            payment = (await persist(lambda: self.system.query.get(f"/payments/{leg['payment_id']}"))).json()
            intent_id, outcome = StripeIntentId(payment["stripe_payment_intent_id"]), chance.choice(("succeed", "fail"))
            await persist(lambda: self._authenticated(intent_id, outcome))

    async def _authenticated(self, intent_id: StripeIntentId, outcome: str) -> httpx.Response:
        try:
            await self.admin.authenticate(intent_id, outcome)
        except httpx.HTTPStatusError as error:
            return error.response
        return httpx.Response(200)

    async def _post(self, path: str, body: Json, what: str) -> httpx.Response:
        headers = {"Idempotency-Key": new_key()}
        answer = await persist(lambda: self.system.command.post(path, json=body, headers=headers))
        assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, answer.text
        self.requested[what] += 1
        return answer


async def under_way(system: System) -> list[str]:
    """Return the sagas, the refunds and the calls of Stripe that are not at an end."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        cursor = await connection.execute(
            "SELECT saga_id::text || ' is ' || status FROM consumers.sagas"
            " WHERE status NOT IN ('completed', 'compensated')"
            " UNION ALL SELECT payment_id::text || ' ' || operation || ' is ' || status FROM consumers.gateway_tasks"
            " WHERE status <> 'done'"
        )
        return [row[0] for row in await cursor.fetchall()]


async def half_done(splits: SplitPayments, shown: Json) -> str | None:
    """Return what is wrong with the money of a split payment at the sandbox, if anything is."""
    taken, held = await splits.taken(shown), await splits.held(shown)
    refunded = Counter[str]()
    for refund in shown["refunds"]:
        for part in refund["parts"]:
            refunded[part["payment_id"]] += part["amount_cents"] if part["status"] == "succeeded" else 0
    whole = [leg["amount_cents"] - refunded[leg["payment_id"]] for leg in shown["legs"]]
    expected = whole if shown["status"] == "completed" else [0] * len(taken)
    if held or taken != expected:
        return f"{shown['id']} is {shown['status']}: {taken} was taken, not {expected}, and {held} are held"
    return None


async def test_all_of_a_split_payment_is_taken_or_nothing(tmp_path: Path) -> None:
    seed = chaos_seed()
    began = time.monotonic()
    async with running_system(tmp_path, settings=SETTINGS) as system, SandboxAdmin(system.stack.urls.sandbox) as admin:
        await let_loose(admin, seed)
        diners, done = Diners(system=system, admin=admin, seed=seed), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(
                kill_at_random(system, random.Random(seed), done, often=("workers", "worker-sagas"))
            )
            try:
                async with asyncio.timeout(420):
                    await diners.dine(SPLIT_PAYMENTS)
            finally:
                done.set()
        came_true = await fired(admin)
        await admin.clear_faults()
        left = await eventually(
            lambda: under_way(system), until=lambda found: not found, within=_FINISHES_WITHIN_S, every=0.5
        )
        assert left == [], f"CHAOS_SEED={seed}"
        assert len(diners.made) == SPLIT_PAYMENTS

        splits = SplitPayments(system)
        shown = [await splits.becomes_ended(each) for each in diners.made]
        wrong = [each for each in [await half_done(splits, one) for one in shown] if each is not None]
        assert wrong == [], f"CHAOS_SEED={seed}"
        assert await system.differences() == []
        assert await dead_letters(system) == 0
        if len(shown) >= _ENOUGH_TO_MEET_ALL:
            never = {effect.value for effect in OF_REQUESTS | OF_WEBHOOKS if not came_true.get(effect.value)}
            assert never == set(), "not every fault was met"
        statuses = Counter(each["status"] for each in shown)
        reasons = Counter(each["compensation"]["reason"] for each in shown if each["status"] == "compensated")
        lines = (
            f"{len(shown)} split payments in {time.monotonic() - began:.0f} s: {dict(statuses)}, {dict(reasons)}",
            f"asked: {dict(diners.requested)}",
            f"killed: {dict(sorted(killing.result().items()))}",
            f"faults: {dict(sorted(came_true.items()))}",
        )
        sys.stdout.write("".join(f"{line}\n" for line in lines))

"""Shoppers and shopkeepers: each lives the life of one payment, by its seed, as persistent as a real client.

What is asked for may be refused, and nobody here knows what becomes of it: `verify` compares the books afterwards.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from domain.ids import StripeIntentId
from infra.stripe_sandbox.client import SandboxAdmin
from tests.support.system import FINISHED, Json, System, new_key

_WAIT_S = 120.0
_NOT_NOW = {"idempotency_key_in_use", "payment_busy"}
_GOOD, _DECLINED, _STRONG = (
    "pm_card_visa",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_authenticationRequired",
)
_SLOW_REFUNDS = ("pm_card_visa", "pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail")
_LEAST = 100  # cents, more than Stripe's minimum


@dataclass(kw_only=True)
class Shop:
    """Where payments are made; `made` are the ids of all."""

    system: System
    admin: SandboxAdmin
    seed: int
    made: list[str] = field(default_factory=list)
    requested: dict[str, int] = field(default_factory=dict)
    """How often each thing was asked for."""

    async def open(self, payments: int, *, clients: int) -> None:
        """Live `payments` lives, `clients` at a time."""
        numbers = iter(range(payments))

        async def client() -> None:
            for number in numbers:
                await self._live(random.Random(self.seed * 1_000_003 + number))

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client())

    async def _live(self, chance: random.Random) -> None:
        lives: tuple[Callable[[random.Random], Awaitable[None]], ...] = (
            self._pay_and_refund,
            self._pay_and_refund,
            self._hold_and_capture,
            self._hold_and_cancel,
            self._capture_racing_cancel,
            self._decline_and_try_again,
            self._confirm_later,
            self._authenticate,
            self._contest,
        )
        await chance.choice(lives)(chance)

    async def _pay_and_refund(self, chance: random.Random) -> None:
        payment_id, amount = await self._create(chance, payment_method=chance.choice(_SLOW_REFUNDS))
        await self._finished(payment_id)
        await self._refund(payment_id, amount, chance)

    async def _hold_and_capture(self, chance: random.Random) -> None:
        payment_id, amount = await self._create(chance, capture_method="manual", payment_method=_GOOD)
        await self._finished(payment_id)
        part = chance.randrange(_LEAST, amount)
        await self._ask(payment_id, "capture", **chance.choice(({}, {"amount_cents": part})))
        await self._finished(payment_id, but="requires_capture")
        await self._refund(payment_id, amount, chance)

    async def _hold_and_cancel(self, chance: random.Random) -> None:
        payment_id, _ = await self._create(chance, capture_method="manual", payment_method=_GOOD)
        await asyncio.sleep(chance.random() * 0.3)  # before Stripe has heard of it, or after
        await self._ask(payment_id, "cancel", reason="abandoned")

    async def _capture_racing_cancel(self, chance: random.Random) -> None:
        payment_id, _ = await self._create(chance, capture_method="manual", payment_method=_GOOD)
        await self._finished(payment_id)
        await asyncio.gather(self._ask(payment_id, "capture"), self._ask(payment_id, "cancel"))

    async def _decline_and_try_again(self, chance: random.Random) -> None:
        payment_id, amount = await self._create(chance, payment_method=_DECLINED)
        await self._finished(payment_id)
        await self._ask(payment_id, "confirm", payment_method=_GOOD)
        await self._finished(payment_id)
        await self._refund(payment_id, amount, chance)

    async def _confirm_later(self, chance: random.Random) -> None:
        payment_id, amount = await self._create(chance)
        await self._ask(payment_id, "confirm", payment_method=chance.choice((_GOOD, _DECLINED)))
        await self._finished(payment_id)
        await self._refund(payment_id, amount, chance)

    async def _authenticate(self, chance: random.Random) -> None:
        payment_id, _ = await self._create(chance, payment_method=_STRONG)
        shown = await self._finished(payment_id)
        if shown["status"] != "requires_action":
            return
        intent_id = shown["stripe_payment_intent_id"]
        await persist(lambda: self._authenticated(intent_id, chance.choice(("succeed", "fail"))))
        if chance.random() < 0.5:
            await self._ask(payment_id, "cancel")  # may come before anybody told us of the customer

    async def _authenticated(self, intent_id: StripeIntentId, outcome: str) -> httpx.Response:
        """Do the customer's part; one that was done is refused by the panel, and done."""
        try:
            await self.admin.authenticate(intent_id, outcome)
        except httpx.HTTPStatusError as error:
            return error.response
        return httpx.Response(200)

    async def _contest(self, chance: random.Random) -> None:
        """Have the payer's bank take the money back, which only a webhook tells, or Stripe's list of events."""
        payment_id, amount = await self._create(chance, payment_method=_GOOD)
        await self._finished(payment_id)
        await persist(lambda: self._contested(payment_id))
        await self._refund(payment_id, amount, chance)

    async def _contested(self, payment_id: str) -> httpx.Response:
        for charge in await self.system.charges(payment_id):
            if charge["status"] == "succeeded" and not charge["disputed"]:
                with suppress(httpx.HTTPStatusError):  # what was refunded meanwhile cannot be contested
                    await self.admin.dispute(charge["id"])
        return httpx.Response(200)

    async def _create(self, chance: random.Random, **fields: Any) -> tuple[str, int]:
        amount = chance.randrange(2 * _LEAST, 100_000)
        body = {"user_id": "chaos", "amount_cents": amount, "currency": "USD", **fields}
        answer = await self._post("/payments", body, "create")
        assert answer.status_code == httpx.codes.CREATED, answer.text
        payment_id = str(answer.json()["id"])
        self.made.append(payment_id)
        return payment_id, amount

    async def _refund(self, payment_id: str, amount: int, chance: random.Random) -> None:
        """Ask for up to three refunds at once, which may come to more than there is."""
        parts = [chance.randrange(_LEAST, amount) for _ in range(chance.randrange(4))]
        await asyncio.gather(
            *(self._ask(payment_id, "refund", amount_cents=part, reason="requested_by_customer") for part in parts)
        )

    async def _ask(self, payment_id: str, action: str, **body: Any) -> None:
        await self._post(f"/payments/{payment_id}/{action}", body, action)

    async def _post(self, path: str, body: Json, what: str) -> httpx.Response:
        """Send the same with the same key until it is answered; a refusal is an answer."""
        headers = {"Idempotency-Key": new_key()}
        answer = await persist(lambda: self.system.command.post(path, json=body, headers=headers))
        assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, answer.text
        self.requested[what] = self.requested.get(what, 0) + 1
        return answer

    async def _finished(self, payment_id: str, *, but: str | None = None) -> Json:
        """Wait until the query API shows the payment in a status that lasts, or give up and go on."""
        try:
            async with asyncio.timeout(_WAIT_S / 4):
                pause_s = 0.1
                while True:
                    answer = await persist(lambda: self.system.query.get(f"/payments/{payment_id}"))
                    shown: Json = answer.json()
                    if answer.is_success and shown["status"] in FINISHED and shown["status"] != but:
                        return shown
                    await asyncio.sleep(pause_s)  # a client's pause before it asks again, as those below
                    pause_s = min(1.5 * pause_s, 1.0)
        except TimeoutError:
            return {"status": "unsettled"}


async def persist(attempt: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Repeat until there is an answer that lasts; a process that is killed gives none, or 503."""
    async with asyncio.timeout(_WAIT_S):
        while True:
            try:
                answer = await attempt()
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE and _code(answer) not in _NOT_NOW:
                return answer
            await asyncio.sleep(0.1)


def _code(answer: httpx.Response) -> str | None:
    found = answer.headers.get("content-type", "").startswith("application/problem+json")
    return answer.json()["code"] if found else None

"""Payments from many clients, each as persistent as a real client: same key until there is an answer."""

import asyncio
import itertools
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.system import System, new_key

_GIVE_UP_AFTER_S = 90.0
_DECLINED = "pm_card_chargeDeclined"


@dataclass(kw_only=True)
class Made:
    """A payment that a client made, and what must become of it."""

    id: str
    amount_cents: int
    declined: bool
    position: int
    refunded_cents: int = 0


@dataclass(kw_only=True)
class Customers:
    """Makes payments from `clients` clients at once; every fourth is refunded in part, every tenth declined.

    Each client rests up to `rest_s` seconds after a payment, so that they last while something else goes on.
    """

    system: System
    seed: int = 1
    clients: int = 12
    rest_s: float = 0.0
    made: list[Made] = field(default_factory=list)

    async def run(self, count: int, *, until: "asyncio.Task[Any] | None" = None) -> None:
        """Return when `count` payments at least, and as many as come until the task ends, were accepted."""
        numbers = itertools.count()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.clients):
                group.create_task(self._client(numbers, count, until))

    async def _client(self, numbers: Iterator[int], count: int, until: "asyncio.Task[Any] | None") -> None:
        for number in numbers:
            if number >= count and (until is None or until.done()):
                return
            chance = random.Random(self.seed * 1_000_003 + number)
            await self._customer(number, chance)
            await asyncio.sleep(chance.random() * self.rest_s)  # paces the load

    async def _customer(self, number: int, chance: random.Random) -> None:
        declined = number % 10 == 9
        amount = chance.randrange(100, 100_000)
        answer = await _persist(
            lambda key: self.system.create(
                key,
                user_id=f"user_{number}",
                amount_cents=amount,
                payment_method=_DECLINED if declined else "pm_card_visa",
            )
        )
        created = answer.json()
        payment = Made(id=created["id"], amount_cents=amount, declined=declined, position=created["position"])
        self.made.append(payment)
        if number % 4 == 0 and not declined:
            payment.refunded_cents = chance.randrange(1, amount)
            await self._refund(payment)

    async def _refund(self, payment: Made) -> None:
        """Refund as soon as the payment can be: until it has succeeded, the answer is a conflict."""

        async def attempt(key: str) -> httpx.Response:
            answer = await self.system.refund(payment.id, payment.refunded_cents, key=key)
            if answer.status_code == httpx.codes.CONFLICT:
                await asyncio.sleep(0.1)  # a client's pause before it asks again, as those below
            return answer

        payment.position = (await _persist(attempt)).json()["position"]


def chaos_seed() -> int:
    """Return the seed of CHAOS_SEED, or a new one; pytest shows it when the test fails."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    sys.stdout.write(f"to repeat: CHAOS_SEED={seed}\n")
    return seed


async def _persist(attempt: Any) -> httpx.Response:
    """Repeat with one key until it is accepted. Anything but "not now" is a failure of the test."""
    key = new_key()
    async with asyncio.timeout(_GIVE_UP_AFTER_S):
        while True:
            try:
                answer: httpx.Response = await attempt(key)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.is_success:
                return answer
            assert answer.status_code in (409, 503), answer.text
            await asyncio.sleep(0.05)


async def assert_stripe_agrees(system: System, made: list[Made], *, within: float = 90) -> None:
    """Every payment is settled, charged once, refunded as asked; the read model equals a replay of the log."""
    async with asyncio.timeout(within):
        shown = [await system.finished(payment.id, min_position=payment.position, within=within) for payment in made]
    for payment, found in zip(made, shown, strict=True):
        expected = "requires_payment_method" if payment.declined else "succeeded"
        assert found["status"] == expected, found
        assert found["amount_captured_cents"] == (0 if payment.declined else payment.amount_cents)
        assert found["amount_refunded_cents"] == payment.refunded_cents
        charges = await system.charges(payment.id)
        assert len(charges) == 1, f"{payment.id} has {len(charges)} charges"
        assert charges[0]["amount_captured"] == found["amount_captured_cents"]
        refunds = await system.refunds(payment.id)
        assert sum(refund["amount"] for refund in refunds) == payment.refunded_cents
        assert len(refunds) == (1 if payment.refunded_cents else 0)
    assert await system.differences() == []

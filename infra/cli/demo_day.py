"""A lively day, for `make run DEMO=1`: customers pay, are declined, authenticate or walk away, and money goes back.

It goes on until it is cancelled. It knows the system only by HTTP: the two APIs, and the control pages of the Stripe
sandbox, which play customers, banks and bad luck.
"""

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.cli.output import format_amount
from infra.embedded.connections import DEVELOPMENT_KEY

Body = dict[str, Any]
Step = Callable[[], Awaitable[str]]

_CARDS = (
    *("visa", "visa_debit", "mastercard", "amex", "visa_cartesBancaires", "jcb"),
    *("bypassPending", "bypassPending"),  # at once on the balance, so that there is something to be paid out
)
_DECLINED = (
    *("chargeDeclined", "chargeDeclinedInsufficientFunds", "chargeDeclinedExpiredCard"),
    *("chargeDeclinedLostCard", "chargeDeclinedFraudulent", "chargeDeclinedIncorrectCvc"),
)
_DISPUTED = ("createDispute", "createDisputeProductNotReceived", "createDisputeInquiry")
_AUTHENTICATED = "authenticationRequired"
_CURRENCIES = {"EUR": (500, 25_000), "USD": (500, 30_000), "GBP": (400, 20_000), "JPY": (500, 40_000)}
_REASONS = ("requested_by_customer", "duplicate", "fraudulent")
_MOST_PAID = 200
"""Payments that may still be refunded: the older ones are left as they are."""
_REFUND_IN_FULL = 0.4
_SMALLEST_PART = 100
_WAIT_S = 10
_LOOKS, _LOOK_EVERY_S = 40, 0.25
_REFUSED = range(400, 500)
_TOO_MANY = 429


@dataclass(kw_only=True, slots=True)
class Paid:
    """A payment that took money, and what is left of it."""

    payment_id: str
    currency: str
    left: int


@dataclass(kw_only=True, slots=True)
class DemoDay:
    """Plays the day. `say` is told of each step, also of one that went wrong; the day goes on."""

    command_api: httpx.AsyncClient
    query_api: httpx.AsyncClient
    sandbox: httpx.AsyncClient
    say: Callable[[str], None]
    pace_per_minute: int
    chance: random.Random = field(default_factory=random.SystemRandom)
    _run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _orders: int = 0
    _paid: deque[Paid] = field(default_factory=lambda: deque(maxlen=_MOST_PAID))
    _later: deque[Step] = field(default_factory=deque)

    async def play(self) -> None:
        """Show every kind of thing once, without a pause, and then go on at the pace until cancelled."""
        for step in self.opening():
            await self._played(step)
        while True:
            await asyncio.sleep(60 / self.pace_per_minute)
            await self._played(self._next())

    def opening(self) -> Sequence[Step]:
        """Return the steps that a newcomer sees at once."""
        begin: list[Step] = [
            self.pay,
            self.pay,
            self.pay,
            self.decline,
            self.dispute,
            self.authorize,
            self.lose_webhook,
        ]
        return [*begin, self.pay, self.authenticate, self.refund, self._due, self._due, self.pay_out]

    def _next(self) -> Step:
        if self._later and self.chance.random() < 1 / 3:
            return self._due
        steps: Mapping[Step, int] = {
            self.pay: 50,
            self.decline: 12,
            self.authenticate: 10,
            self.authorize: 8,
            self.refund: 12,
            self.dispute: 3,
            self.lose_webhook: 2,
            self.pay_out: 3,
        }
        return self.chance.choices(list(steps), weights=list(steps.values()))[0]

    async def _played(self, step: Step) -> None:
        try:
            said = await step()
        except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
            said = f"went wrong, the day goes on: {type(error).__name__}: {error}"
        if said:
            self.say(said)

    async def pay(self) -> str:
        """Have somebody pay."""
        payment = await self._create(self.chance.choice(_CARDS))
        self._keep(payment)
        return f"{_amount(payment)} from {payment['user_id']}: {payment['status']}"

    async def decline(self) -> str:
        """Have somebody's bank refuse."""
        payment = await self._create(self.chance.choice(_DECLINED))
        return f"{_amount(payment)} from {payment['user_id']}: declined"

    async def authenticate(self) -> str:
        """Send somebody to their bank, who comes back later, or not at all."""
        payment = await self._create(_AUTHENTICATED)
        intent = payment["stripe_payment_intent_id"]
        comes_back = self.chance.random() < 3 / 4
        if comes_back and intent is not None:
            outcome = "succeed" if self.chance.random() < 3 / 4 else "fail"
            self._later.append(lambda: self._come_back(payment, str(intent), outcome))
        return f"{_amount(payment)} from {payment['user_id']}: sent to the bank for 3-D Secure"

    async def _come_back(self, payment: Body, intent: str, outcome: str) -> str:
        answer = await self.sandbox.post(f"/_sandbox/payment_intents/{intent}/authenticate", json={"outcome": outcome})
        if answer.status_code in _REFUSED:  # nobody waits for it any more
            return ""
        answer.raise_for_status()
        if outcome == "succeed":
            self._keep({**payment, "status": "succeeded"})
        return (
            f"{_amount(payment)} from {payment['user_id']}: 3-D Secure {'done' if outcome == 'succeed' else 'failed'}"
        )

    async def authorize(self) -> str:
        """Have an amount held, which is captured or released later."""
        payment = await self._create(self.chance.choice(_CARDS), capture_method="manual")
        if payment["status"] == "requires_capture":
            self._later.append(lambda: self._end_hold(payment))
        return f"{_amount(payment)} from {payment['user_id']}: held"

    async def _end_hold(self, payment: Body) -> str:
        path, amount = f"/payments/{payment['id']}", int(payment["amount_cents"])
        if self.chance.random() < 1 / 4:
            answer = await self._command(f"{path}/cancel", {"reason": "abandoned"})
            return "" if answer is None else f"{_amount(payment)} from {payment['user_id']}: released"
        part = amount if self.chance.random() < 1 / 2 else _whole(amount * 3 // 4, payment["currency"])
        answer = await self._command(f"{path}/capture", {"amount_cents": part})
        if answer is None:
            return ""
        self._keep({**payment, "status": "succeeded", "amount_cents": part})
        return f"{_text(part, payment)} from {payment['user_id']}: captured"

    async def refund(self) -> str:
        """Give some money back."""
        if not self._paid:
            return await self.pay()
        paid = self.chance.choice(list(self._paid))
        in_full = self.chance.random() < _REFUND_IN_FULL or paid.left < 2 * _SMALLEST_PART
        amount = paid.left if in_full else _whole(self.chance.randint(_SMALLEST_PART, paid.left), paid.currency)
        body = {"amount_cents": amount, "reason": self.chance.choice(_REASONS)}
        answer = await self._command(f"/payments/{paid.payment_id}/refund", body)
        paid.left -= amount if answer is not None else paid.left
        if paid.left <= 0:
            self._paid.remove(paid)
        return "" if answer is None else f"{format_amount(amount, paid.currency)} of {paid.payment_id}: refunded"

    async def dispute(self) -> str:
        """Have somebody's bank want money back, which is decided later."""
        payment = await self._create(self.chance.choice(_DISPUTED))
        status = self.chance.choice(("won", "lost", ""))
        if status:
            self._later.append(lambda: self._decide(payment, status))
        return f"{_amount(payment)} from {payment['user_id']}: disputed"

    async def _decide(self, payment: Body, status: str) -> str:
        shown = await self._shown(payment, lambda found: found["dispute"] is not None)
        dispute = None if shown is None else shown["dispute"]
        if dispute is None:
            return ""
        decided = "warning_closed" if str(dispute["status"]).startswith("warning_") else status
        answer = await self.sandbox.post(f"/_sandbox/disputes/{dispute['id']}/decide", json={"status": decided})
        if answer.status_code in _REFUSED:
            return ""
        answer.raise_for_status()
        return f"{_amount(payment)} from {payment['user_id']}: the dispute is {decided.replace('_', ' ')}"

    async def lose_webhook(self) -> str:
        """Have the next webhook of a payment lost: the sweeper finds what it told."""
        rule = {"effect": "lose", "type": "payment_intent.*", "times": 1}
        (await self.sandbox.post("/_sandbox/faults", json=rule)).raise_for_status()
        return "the next webhook of a payment will be lost"

    async def pay_out(self) -> str:
        """Have what is available sent to the bank, where it arrives later."""
        answer = await self.sandbox.post("/_sandbox/payouts/run", json={})
        answer.raise_for_status()
        payouts: list[Body] = answer.json()
        for each in payouts:
            self._later.append(lambda payout=each: self._arrive(payout))  # type: ignore[misc]
        return f"{len(payouts)} payout{'' if len(payouts) == 1 else 's'} on the way to the bank" if payouts else ""

    async def _arrive(self, payout: Body) -> str:
        answer = await self.sandbox.post(f"/_sandbox/payouts/{payout['id']}/settle", json={"status": "paid"})
        if answer.status_code in _REFUSED:
            return ""
        answer.raise_for_status()
        return f"{format_amount(payout['amount'], payout['currency'].upper())}: a payout is at the bank"

    async def _due(self) -> str:
        return await self._later.popleft()() if self._later else ""

    async def _create(self, card: str, **more: Any) -> Body:
        self._orders += 1
        currency = self.chance.choice(list(_CURRENCIES))
        user = f"customer_{self.chance.randint(1001, 1040)}"
        body = {
            "user_id": user,
            "amount_cents": self.chance.randint(*_CURRENCIES[currency]),
            "currency": currency,
            "payment_method": f"pm_card_{card}",
            "description": f"Order {self._orders}",
            "metadata": {"order": f"D-{self._orders}"},
            **more,
        }
        headers = {"Idempotency-Key": f"demo-{self._run}-{self._orders}", "Prefer": f"wait={_WAIT_S}"}
        answer = await self.command_api.post("/payments", json=body, headers=headers)
        answer.raise_for_status()
        created: Body = answer.json()
        return created

    async def _command(self, path: str, body: Body) -> httpx.Response | None:
        """Send a command; None when it is refused, as when somebody at the back office was quicker."""
        headers = {"Idempotency-Key": f"demo-{self._run}-{uuid.uuid4().hex}"}
        answer = await self.command_api.post(path, json=body, headers=headers)
        if answer.status_code in _REFUSED and answer.status_code != _TOO_MANY:
            return None
        answer.raise_for_status()
        return answer

    async def _shown(self, payment: Body, condition: Callable[[Body], bool]) -> Body | None:
        """Return the payment once the query API shows it so; None when it does not within some seconds."""
        for _ in range(_LOOKS):
            answer = await self.query_api.get(f"/payments/{payment['id']}")
            if answer.is_success:
                found: Body = answer.json()
                if condition(found):
                    return found
            await asyncio.sleep(_LOOK_EVERY_S)
        return None

    def _keep(self, payment: Body) -> None:
        if payment["status"] == "succeeded":
            self._paid.append(
                Paid(payment_id=payment["id"], currency=payment["currency"], left=int(payment["amount_cents"]))
            )


async def play_day(urls: Mapping[str, str], *, say: Callable[[str], None], pace_per_minute: int) -> None:
    """Play the day on a system: `urls` has its `command_api`, `query_api` and `sandbox`. Ends when it is cancelled."""
    key = {"Authorization": f"Bearer {DEVELOPMENT_KEY}"}
    timeout = httpx.Timeout(_WAIT_S + 5)
    async with (
        httpx.AsyncClient(base_url=urls["command_api"], headers=key, timeout=timeout) as command_api,
        httpx.AsyncClient(base_url=urls["query_api"], headers=key, timeout=timeout) as query_api,
        httpx.AsyncClient(base_url=urls["sandbox"], timeout=timeout) as sandbox,
    ):
        day = DemoDay(
            command_api=command_api, query_api=query_api, sandbox=sandbox, say=say, pace_per_minute=pace_per_minute
        )
        await day.play()


def _whole(amount_cents: int, currency: str) -> int:
    """Return an amount that looks as if a person had written it."""
    return amount_cents if currency == "JPY" else max(amount_cents // 50 * 50, 50)


def _amount(payment: Body) -> str:
    return _text(int(payment["amount_cents"]), payment)


def _text(amount_cents: int, payment: Body) -> str:
    return format_amount(amount_cents, str(payment["currency"]))

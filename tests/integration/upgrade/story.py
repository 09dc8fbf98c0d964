"""What happens before a fixture is written: of everything that the system can go through, one at least.

Each payment has a name, by which tests find it. A later release may tell more; what is here stays, so that every
fixture has it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg
from aiokafka import AIOKafkaProducer

from consumers.stripe.translate.ids import PAYMENT_ID, REFUND_ID
from infra.kafka.clients import producer_config
from infra.stripe_sandbox.client import SandboxAdmin
from schemas.topics import PAYMENT
from tests.integration.upgrade.quiet import kafka_settings
from tests.support.finance_steps import at_stripe, in_the_ledger, paystream, reconciled, rows
from tests.support.system import Json, System
from tests.support.waiting import eventually

_TWO_BOOKS: Json = {"description": "Two books", "metadata": {"order": "A-1", "note": "ça va, 書籍"}}
NOT_IN_STORY = {
    "payment.processing": "the sandbox has no card that takes its time",
    "reconciliation.failed": "Stripe would have to be away for minutes",
}
"""The types of events that do not come about, and why. Every other one does: the generator holds the story to it."""
CUTOFF_S = 1
"""Of the reconciliations."""
_SECOND_S = 1  # Stripe dates by the second
_BANK_S = 30.0


class Task(NamedTuple):
    """A call of Stripe that a payment asked for."""

    event_id: str
    status: str
    attempts: int


@dataclass(kw_only=True)
class Story:
    """Plays on a running system."""

    system: System
    bank: SandboxAdmin
    payments: dict[str, str] = field(default_factory=dict)
    commands: list[tuple[str, str, Json]] = field(default_factory=list)
    """Path, key and body of the commands that have a key."""

    async def play(self) -> None:
        """Let everything happen that comes to an end."""
        await self._succeed()
        await self._decline()
        await self._authenticate()
        await self._capture_later()
        await self._come_too_late()
        await self._refund()
        await self._operators()
        await self._appear_after_all()
        await self._dispute()

    # --- payments ---

    async def _succeed(self) -> None:
        await self._create("succeeded", **_TWO_BOOKS)
        for currency, amount_cents in (("JPY", 5000), ("ISK", 150_000), ("KWD", 12_340), ("EUR", 2500)):
            await self._create(
                currency.lower(), currency=currency, amount_cents=amount_cents, payment_method="pm_card_bypassPending"
            )
        customer = await at_stripe(self.system, "/v1/customers", email="reader@books.example")
        await self._create("of_a_customer", customer=customer["id"], statement_descriptor_suffix="BOOKS 2")

    async def _decline(self) -> None:
        await self._create("declined", "requires_payment_method", payment_method="pm_card_chargeDeclined")
        await self._create(
            "paid_after_all",
            "requires_payment_method",
            payment_method="pm_card_visa_chargeDeclinedInsufficientFunds",
        )
        await self._post("paid_after_all", "confirm", payment_method="pm_card_visa")
        await self._shown("paid_after_all", _has_status("succeeded"))
        await self._create("unconfirmed", "requires_payment_method", payment_method=None)
        await self._create("failed", "failed", customer="cus_nobody")

    async def _authenticate(self) -> None:
        for name in ("authentication_awaited", "authenticated", "authentication_failed"):
            await self._create(name, "requires_action", payment_method="pm_card_authenticationRequired")
        await self.bank.authenticate(await self._intent("authenticated"))
        await self.bank.authenticate(await self._intent("authentication_failed"), "fail")
        await self._shown("authenticated", _has_status("succeeded"))
        await self._shown("authentication_failed", _has_status("requires_payment_method"))

    async def _capture_later(self) -> None:
        for name in ("held", "captured_in_part", "canceled", "expired"):
            await self._create(name, "requires_capture", capture_method="manual")
        await self._post("captured_in_part", "capture", amount_cents=400)
        await self._post("canceled", "cancel", reason="requested_by_customer")
        await self.bank.expire(await self._charge("expired"))
        await self._shown("captured_in_part", _has_status("succeeded"))
        for name in ("canceled", "expired"):
            await self._shown(name, _has_status("canceled"))

    async def _come_too_late(self) -> None:
        """Capture and cancel what has ended at Stripe, of which no webhook told."""
        for name in ("captured_too_late", "canceled_too_late"):
            await self._create(name, "requires_capture", capture_method="manual")
        await self.bank.add_fault("lose", type="payment_intent.canceled", times=1)
        await self.bank.expire(await self._charge("captured_too_late"))
        await self._post("captured_too_late", "capture")
        await self._shown("captured_too_late", _has_status("canceled"))
        await self.bank.add_fault("lose", type="payment_intent.succeeded", times=1)
        await at_stripe(self.system, f"/v1/payment_intents/{await self._intent('canceled_too_late')}/capture")
        await self._post("canceled_too_late", "cancel")
        await self._shown("canceled_too_late", _has_status("succeeded"))

    async def _refund(self) -> None:
        await self._create("refunded_in_part")
        await self._post("refunded_in_part", "refund", amount_cents=300, reason="requested_by_customer")
        await self._shown("refunded_in_part", _refunded(300))
        await self._create("refunded")
        await self._post("refunded", "refund", amount_cents=400)
        await self._shown("refunded", _refunded(400))
        await self._post("refunded", "refund")
        await self._shown("refunded", _refunded(1000))
        for name, method in (
            ("refund_succeeded_late", "pm_card_pendingRefund"),
            ("refund_came_back", "pm_card_refundFail"),
            ("refund_failed", "pm_card_pendingRefundFail"),
        ):
            await self._create(name, payment_method=method)
            await self._post(name, "refund")
        await self._shown("refund_succeeded_late", _refunded(1000))
        for name in ("refund_came_back", "refund_failed"):
            await self._shown(name, lambda found: any(each["status"] == "failed" for each in found["refunds"]))
        await self._create("refund_unknown")  # in the end
        await self._create("refunded_at_stripe")
        await at_stripe(
            self.system, "/v1/refunds", payment_intent=await self._intent("refunded_at_stripe"), amount="250"
        )
        await self._shown("refunded_at_stripe", _refunded(250))

    async def _operators(self) -> None:
        """Have an operator ask what became of a capture (nothing), and give a cancellation up."""
        steps = {
            "capture": ("retry", "--reason", "Stripe is back"),
            "cancel": ("give-up", "--force", "--reason", "Settled by hand"),
        }
        for action, (step, *reason) in steps.items():
            name = f"{action}_failed"
            await self._create(name, "requires_capture", capture_method="manual")
            await self._fail_once(f"/v1/payment_intents/*/{action}")
            await self._post(name, action)
            task = await self._tried(name, "unknown")
            await self._operate("tasks", step, task.event_id, *reason)
            await self._wait_for_event(name, f"payment.{action}_failed")

    async def _appear_after_all(self) -> None:
        """Have a payment and a refund that failed here stand at Stripe after all: one is undone, one is accepted."""
        await self._fail_once("/v1/payment_intents")
        await self._ask("undone")
        await self._shown("undone", _has_status("failed"))
        intent = {"amount": "1000", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
        await at_stripe(
            self.system,
            "/v1/payment_intents",
            **intent,
            **{"allowed_payment_method_types[]": "card", f"metadata[{PAYMENT_ID}]": self.payments["undone"]},
        )
        await self._wait_for_event("undone", "payment.task_undone")

        await self._create("refund_accepted")
        await self._fail_once("/v1/refunds")
        await self._post("refund_accepted", "refund", amount_cents=300)
        task = await self._tried("refund_accepted", "unknown")
        await self._operate("tasks", "give-up", task.event_id, "--force", "--reason", "Stripe has none")
        found = await self._shown(
            "refund_accepted", lambda found: any(each["status"] == "failed" for each in found["refunds"])
        )
        await at_stripe(
            self.system,
            "/v1/refunds",
            payment_intent=await self._intent("refund_accepted"),
            amount="300",
            **{f"metadata[{REFUND_ID}]": found["refunds"][0]["refund_id"]},
        )
        await self._wait_for_event("refund_accepted", "payment.contradicted")
        await self._operate("payments", "accept", self.payments["refund_accepted"], "--reason", "Stripe has it")
        await self._shown("refund_accepted", _refunded(300))

    async def _dispute(self) -> None:
        for name in ("dispute_open", "dispute_won", "dispute_lost", "dispute_inquiry"):
            await self._create(name)
            course = "inquiry" if name == "dispute_inquiry" else "product_not_received"
            dispute = await self.bank.dispute(await self._charge(name), course)
            await self._shown(name, lambda found: found["dispute"] is not None)
            if name in {"dispute_won", "dispute_lost"}:
                await self._shown(name, lambda found: found["dispute"]["funds"] == "withdrawn")
                await self.bank.decide(str(dispute["id"]), name.removeprefix("dispute_"))
        await self._shown("dispute_won", lambda found: found["dispute"]["funds"] == "reinstated")
        await self._shown("dispute_lost", lambda found: found["dispute"]["status"] == "lost")
        await self._create("dispute_answered")
        answered = await self.bank.dispute(await self._charge("dispute_answered"), "product_not_received")
        await self._shown("dispute_answered", lambda found: found["dispute"] is not None)
        evidence = {"evidence[uncategorized_text]": "A receipt", "submit": "true"}
        await at_stripe(self.system, f"/v1/disputes/{answered['id']}", **evidence)
        await self._shown("dispute_answered", lambda found: found["dispute"]["status"] == "under_review")

    # --- finance ---

    async def pay_out(self) -> None:
        """Have one payout arrive at the bank."""
        payouts = await self.bank.pay_out()
        assert payouts, "there was money available"
        for payout in payouts:
            await self.bank.settle_payout(str(payout["id"]))
            await in_the_ledger(self.system, str(payout["id"]), fee=False)

    async def reconcile(self, time_zone: str) -> Json:
        """Have differences found, one of them settled, one explained and one opened again; return the last run."""
        await self.bank.add_fault("hide_row", type="charge", times=1)
        late = await self._charge(await self._create("booked_late"))
        await in_the_ledger(self.system, late, fee=False)
        await self.bank.add_fault("wrong_amount", type="charge", times=1, amount=-7)
        wrong = await self._charge(await self._create("booked_wrong"))
        await in_the_ledger(self.system, wrong)
        (hidden,) = await rows(self.system, late)
        await self.bank.add_row(account=hidden["account"], source="ch_of_nobody", amount=123)
        await _pass(time.time() + CUTOFF_S + _SECOND_S)  # till then, what one book lacks may still come
        day = datetime.fromtimestamp(hidden["created"], ZoneInfo(time_zone)).date().isoformat()

        first = await reconciled(self.system, day)
        assert first["found"].keys() == {"missing_at_stripe", "amount", "missing_here"}, first
        await self.bank.falsify_row(hidden["id"], shown=True)
        await in_the_ledger(self.system, late)
        await self._operate("discrepancies", "explain", await self._discrepancy(wrong), "--reason", "A rebate")
        await self._operate(
            "discrepancies", "resolve", await self._discrepancy("ch_of_nobody"), "--reason", "Written off"
        )
        last = await reconciled(self.system, day, number=first["number"] + 1)
        # Beside the row of nobody: what the payment that was undone took and gave back, which no event posts.
        assert (last["found"], last["resolved"]) == ({"amount": 1, "missing_here": 3}, 1), last
        return last

    async def scheduled(self) -> None:
        """Wait until the day before was reconciled, as it is by itself."""

        async def runs() -> list[Json]:
            found = (await self.system.query.get("/reconciliations")).json()["data"]
            return [each for each in found if each["origin"] == "schedule" and each["status"] == "completed"]

        await eventually(runs, within=60)

    # --- what stays undone ---

    async def send_garbage(self) -> None:
        """Put a record into a topic that no consumer can read, and have one of them give it up."""
        settings = kafka_settings(self.system.stack)
        async with AIOKafkaProducer(**producer_config(settings, client_id="stranger")) as producer:
            await producer.send_and_wait(PAYMENT, b"{not \xff json", b"of nobody", partition=0)
        letters = await eventually(self._letters, lambda found: found.keys() >= {"projector", "stripe-gateway"})
        await self._operate("dlq", "discard", str(letters["projector"]), "--reason", "Not ours")

    async def leave_undone(self) -> dict[str, str]:
        """Leave Stripe calls open in every way that there is; return the status of each by the name of its payment.

        The gateway is gone afterwards, and the sweeper. No webhook tells of what was done.
        """
        # It would find out what the lost webhooks do not tell.
        self.system.stack.kill("worker-sweeper")
        await self._fail_once("/v1/refunds")
        await self._post("refund_unknown", "refund", amount_cents=100)
        await self._tried("refund_unknown", "unknown")
        await self.bank.add_fault("lose")
        await self.bank.add_fault("reset_after", method="POST", path="/v1/payment_intents")
        # Held, and not taken: what came of it is in no book, where a reconciliation would find it.
        await self._ask("answer_lost", capture_method="manual")
        await self._tried("answer_lost", "due")
        self.system.stack.kill("worker-stripe-gateway")
        await self.bank.clear_faults()
        await self._ask("not_taken_in")
        return {name: (await self._newest_task(name)).status for name in ("refund_unknown", "answer_lost")}

    # --- steps ---

    async def _ask(self, name: str, **fields: Any) -> None:
        """Ask for a payment of 10.00 USD but for `fields`, with a key."""
        body = {
            "user_id": "user_1",
            "amount_cents": 1000,
            "currency": "USD",
            "payment_method": "pm_card_visa",
            **fields,
        }
        created = await self._send("/payments", name, {key: value for key, value in body.items() if value is not None})
        self.payments[name] = str(created["id"])

    async def _create(self, name: str, status: str = "succeeded", **fields: Any) -> str:
        """Ask for a payment and wait until Stripe has answered; return the name."""
        await self._ask(name, **fields)
        await self._shown(name, _has_status(status))
        return name

    async def _post(self, name: str, action: str, **body: Any) -> None:
        path = f"/payments/{self.payments[name]}/{action}"
        await self._send(path, f"{name}-{action}-{body.get('amount_cents', 'rest')}", body)

    async def _send(self, path: str, key: str, body: Json) -> Json:
        answer = await self.system.command.post(path, json=body, headers={"Idempotency-Key": key})
        assert answer.is_success, answer.text
        self.commands.append((path, key, body))
        return dict(answer.json())

    async def _shown(self, name: str, until: Callable[[Json], bool]) -> Json:
        return await self.system.becomes(self.payments[name], until, within=_BANK_S)

    async def _intent(self, name: str) -> str:
        return str((await self.system.payment(self.payments[name]))["stripe_payment_intent_id"])

    async def _charge(self, name: str) -> str:
        (charge,) = await self.system.charges(self.payments[name])
        return str(charge["id"])

    async def _wait_for_event(self, name: str, event_type: str) -> None:
        """Wait until the timeline of a payment has such an event."""

        async def types() -> list[str]:
            answer = await self.system.query.get(f"/payments/{self.payments[name]}/events", params={"limit": "100"})
            return [each["type"] for each in answer.json()["data"]]

        await eventually(types, lambda found: event_type in found, within=_BANK_S)

    async def _fail_once(self, path: str) -> None:
        """Let Stripe itself fail at the next call, and say not to try again: what became of it, nobody knows."""
        await self.bank.add_fault("error_before", method="POST", path=path, should_retry=False, times=1)

    async def _operate(self, *arguments: str) -> None:
        """Do what an operator does on the command line."""
        code, out = await paystream(self.system, *arguments, "--actor", "ana")
        assert code == 0, out

    async def _discrepancy(self, source_id: str) -> str:
        async def found() -> list[Json]:
            answer = await self.system.query.get("/discrepancies", params={"source_id": source_id})
            return list(answer.json()["data"])

        (discrepancy,) = await eventually(found)
        return str(discrepancy["id"])

    async def _tried(self, name: str, status: str) -> Task:
        """Wait until the newest Stripe call of a payment was tried, and has this status."""
        return await eventually(
            lambda: self._newest_task(name), lambda found: found.attempts > 0 and found.status == status, every=0.01
        )

    async def _newest_task(self, name: str) -> Task:
        (row,) = await self._rows(
            "SELECT event_id::text, status, attempts FROM consumers.gateway_tasks"
            " WHERE payment_id = %s AND operation <> 'refresh_payment' ORDER BY position DESC LIMIT 1",
            self.payments[name],
        ) or [("", "", 0)]
        return Task(*row)

    async def _letters(self) -> dict[str, int]:
        found = await self._rows("SELECT consumer, id FROM consumers.dead_letters WHERE published_at IS NOT NULL")
        return {row[0]: row[1] for row in found}

    async def _rows(self, query: str, *parameters: object) -> list[Any]:
        async with await psycopg.AsyncConnection.connect(self.system.stack.database_url()) as conn:
            return await (await conn.execute(query, parameters)).fetchall()


async def _pass(moment: float) -> None:
    """Wait until a moment is over."""

    async def is_over() -> bool:
        return time.time() > moment

    await eventually(is_over)


def _has_status(status: str) -> Callable[[Json], bool]:
    return lambda found: found["status"] == status


def _refunded(amount_cents: int) -> Callable[[Json], bool]:
    return lambda found: (
        found["amount_refunded_cents"] == amount_cents and all(each["status"] != "pending" for each in found["refunds"])
    )

"""Compares three books, payment by payment: what Stripe has, what the event store says, what the read model shows."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from domain.ids import PaymentId
from domain.payment.state import PaymentState
from domain.payment.values import DisputeFunds, PaymentStatus, RefundStatus
from event_store.payments import load_payments
from infra.stripe_sandbox.client import SandboxAdmin
from tests.support.system import Json, System

_WAITS_FOR_US = {PaymentStatus.PENDING, PaymentStatus.PROCESSING}
_NO_MONEY = {"failed", "canceled"}
_AT_STRIPE_ONLY = {PaymentStatus.FAILED, PaymentStatus.CANCELED}


@dataclass(frozen=True, kw_only=True)
class AtStripe:
    """What the sandbox has of one payment."""

    intents: list[Json]
    charges: list[Json]
    refunds: list[Json]
    disputes: list[Json]


async def unsettled(system: System, made: Iterable[str]) -> list[str]:
    """Return what is not at an end yet: calls of Stripe, and when there are none, payments and refunds."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "SELECT payment_id, operation, status, last_error FROM consumers.gateway_tasks WHERE status <> 'done'"
            )
            tasks = [f"{row[0]} {row[1]} is {row[2]}: {row[3]}" for row in await cursor.fetchall()]
        if tasks:
            return tasks
        payments = await load_payments(connection, [PaymentId(UUID(each)) for each in made])
    open_ = []
    for payment_id, loaded in payments.items():
        state = loaded.state
        assert state is not None
        refunds = [refund for refund in state.refunds.values() if refund.status is RefundStatus.PENDING]
        requests = [state.confirmation_requested, state.capture_requested, state.cancel_requested]
        if state.status in _WAITS_FOR_US or refunds or any(requests):
            open_.append(
                f"{payment_id} is {state.status.value}, {len(refunds)} refunds are pending, requests: {requests}"
            )
    return open_


async def differences(system: System, admin: SandboxAdmin, made: Iterable[str]) -> list[str]:
    """Return every difference between the books, in words."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        payments = await load_payments(connection, [PaymentId(UUID(each)) for each in made])
    stripe = await _at_stripe(admin)
    found: list[str] = []
    for payment_id, loaded in payments.items():
        state = loaded.state
        assert state is not None
        found += [f"{payment_id}: {each}" for each in _compared(state, stripe[str(payment_id)])]
    strangers = stripe.keys() - {str(payment_id) for payment_id in payments}
    found += [f"{each}: only Stripe knows it" for each in strangers]
    return found + [f"read model: {each}" for each in await system.differences()]


def _compared(state: PaymentState, stripe: AtStripe) -> list[str]:
    wrong = []
    taken = [charge for charge in stripe.charges if charge["amount_captured"]]
    if len(stripe.intents) > 1:
        wrong.append(f"{len(stripe.intents)} intents")
    if len(taken) > 1:
        wrong.append(f"charged {len(taken)} times")
    if not stripe.intents:
        return wrong if state.status in _AT_STRIPE_ONLY else [*wrong, f"{state.status.value}, and Stripe has no intent"]
    intent = stripe.intents[0]
    totals = {
        "status": (state.status.value, intent["status"]),
        "captured": (state.amount_captured.amount_cents, sum(each["amount_captured"] for each in taken)),
        "refunded": (
            state.amount_refunded.amount_cents,
            sum(each["amount"] for each in stripe.refunds if each["status"] not in _NO_MONEY),
        ),
    }
    wrong += [f"{name}: ours {ours}, Stripe's {theirs}" for name, (ours, theirs) in totals.items() if ours != theirs]
    return wrong + _refunds_compared(state, stripe.refunds) + _disputes_compared(state, stripe.disputes)


def _refunds_compared(state: PaymentState, refunds: list[Json]) -> list[str]:
    times = Counter(each["metadata"].get("paystream_refund_id") for each in refunds)
    wrong = [f"refund {refund_id} was made {count} times" for refund_id, count in times.items() if count > 1]
    theirs = {each["metadata"].get("paystream_refund_id"): each for each in refunds}
    for refund_id, refund in state.refunds.items():
        shown = theirs.get(str(refund_id))
        ours = (refund.status.value, refund.amount.amount_cents)
        if shown is None:
            if refund.status is not RefundStatus.FAILED:
                wrong.append(f"refund {refund_id} is {ours}, and Stripe has none")
        elif ours != (shown["status"], shown["amount"]):
            wrong.append(f"refund {refund_id}: ours {ours}, Stripe's {(shown['status'], shown['amount'])}")
    return wrong


def _disputes_compared(state: PaymentState, disputes: list[Json]) -> list[str]:
    ours = {
        (each.dispute_id, each.status.value, each.funds is not DisputeFunds.NONE) for each in state.disputes.values()
    }
    theirs = {(each["id"], each["status"], bool(each["balance_transactions"])) for each in disputes}
    return [f"disputes: ours {ours}, Stripe's {theirs}"] if ours != theirs else []


async def _at_stripe(admin: SandboxAdmin) -> dict[str, AtStripe]:
    """Return everything that the sandbox has, by the payment that its metadata names."""
    found: dict[str, AtStripe] = defaultdict(lambda: AtStripe(intents=[], charges=[], refunds=[], disputes=[]))

    def put(shown: list[dict[str, Any]], into: str) -> None:
        for each in shown:
            getattr(found[each["metadata"]["paystream_payment_id"]], into).append(each)

    put(await admin.payment_intents(), "intents")
    put(await admin.charges(), "charges")
    put(await admin.refunds(), "refunds")
    owners = {intent["id"]: payment_id for payment_id, each in found.items() for intent in each.intents}
    for dispute in await admin.disputes():
        found[owners[str(dispute["payment_intent"])]].disputes.append(dispute)
    return found

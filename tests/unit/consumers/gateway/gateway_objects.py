"""Tasks, payments and Stripe's objects for the gateway's unit tests."""

import uuid
from typing import Any

from consumers.gateway.outcomes import Fault
from consumers.tasks.models import Task, TaskOperation
from domain.ids import EventId, PaymentId, RefundId
from domain.payment.commands import PaymentCommand
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold
from domain.payment.state import PaymentState
from event_store.fakes import MemoryEventLog
from event_store.payments import PAYMENT, LoadedPayment, command_payment
from tests.support.log_entries import metadata
from tests.support.payment_histories import events_of, request_payment

PAYMENT_ID = PaymentId(uuid.UUID("0198a000-0000-7000-8000-000000000001"))
REFUND_ID = RefundId(uuid.UUID("0198a000-0000-7000-8000-000000000002"))
REQUEST_ID = uuid.UUID("0198a000-0000-7000-8000-000000000003")
EVENT_ID = EventId(uuid.UUID("0198a000-0000-7000-8000-000000000004"))
INTENT_ID = "pi_1"


def a_task(operation: TaskOperation = TaskOperation.CREATE_INTENT, **fields: Any) -> Task:
    defaults: dict[str, Any] = {
        "event_id": EVENT_ID,
        "payment_id": PAYMENT_ID,
        "merchant_id": "merchant_test",
        "operation": operation,
        "position": 1,
        "correlation_id": "c",
        "traceparent": None,
        "lease_token": uuid.uuid4(),
        "attempts": 1,
        "age_s": 0.0,
        "outcome_unknown": False,
    }
    return Task(**defaults | fields)


def a_payment(*commands: PaymentCommand, **request: Any) -> tuple[PaymentState, PaymentEvent]:
    """Return a payment after these commands, and the last event that they led to."""
    events = events_of([request_payment(PAYMENT_ID, **request), *commands])
    state = fold(events)
    assert state is not None
    return state, events[-1]


async def a_loaded_payment(*commands: PaymentCommand, **request: Any) -> LoadedPayment:
    """Return a payment after these commands, with its events as the log has them."""
    log = MemoryEventLog()
    for command in (request_payment(PAYMENT_ID, **request), *commands):
        await command_payment(log, PAYMENT_ID, command, metadata())
    return PAYMENT.load((await log.load_many([PAYMENT_ID]))[PAYMENT_ID])


def an_intent(status: str = "succeeded", **fields: Any) -> dict[str, Any]:
    return {
        "id": INTENT_ID,
        "object": "payment_intent",
        "amount": 1000,
        "amount_capturable": 0,
        "amount_received": 0,
        "currency": "usd",
        "status": status,
        "latest_charge": None,
        "last_payment_error": None,
        "next_action": None,
        "cancellation_reason": None,
    } | fields


def a_decline(**fields: Any) -> dict[str, Any]:
    return {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
        "charge": "ch_1",
    } | fields


def a_fault(status: int | None = 400, **fields: Any) -> Fault:
    defaults: dict[str, Any] = {
        "status": status,
        "type": "invalid_request_error",
        "code": "parameter_invalid_integer",
        "decline_code": None,
        "message": "No.",
        "charge_id": None,
        "param": None,
        "intent": None,
        "should_retry": None,
        "replayed": False,
    }
    return Fault(**defaults | fields)

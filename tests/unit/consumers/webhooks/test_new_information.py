"""Which snapshots make a payment be read again. Late, repeated and self-caused ones do not."""

import uuid
from typing import Any

import pytest

from consumers.stripe.translate.events import ObjectKind, Reference
from consumers.stripe.translate.ids import REFUND_ID
from consumers.webhooks.new_information import is_new_information
from domain.ids import DisputeId, EventId, RefundId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.money import Money
from domain.payment.commands import PaymentCommand, RequestRefund
from domain.payment.events import UndoneRefund
from domain.payment.evolve import fold
from domain.payment.observations import (
    RecordActionRequired,
    RecordAuthorized,
    RecordDispute,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordRefundPending,
    RecordSucceeded,
    RecordUndone,
)
from domain.payment.state import NOT_PROCESSED, PaymentState
from domain.payment.values import CaptureMethod, DisputeStatus, PaymentStatus
from tests.support.payment_histories import events_of, request_payment
from tests.unit.consumers.gateway.gateway_objects import INTENT_ID, PAYMENT_ID, an_intent

REFUND = RefundId(uuid.uuid4())
MONEY = Money(amount_cents=1000, currency="USD")
CREATED = RecordIntentCreated(intent_id=StripeIntentId(INTENT_ID), status=PaymentStatus.REQUIRES_CONFIRMATION)
ACTION = RecordActionRequired(
    intent_id=StripeIntentId(INTENT_ID), action_type="redirect_to_url", redirect_url="https://bank"
)
SUCCEEDED = RecordSucceeded(
    intent_id=StripeIntentId(INTENT_ID), amount_captured=MONEY, charge_id=StripeChargeId("ch_1")
)
REFUND_SENT = (
    RequestRefund(refund_id=REFUND, amount=Money(amount_cents=300, currency="USD"), reason=None),
    RecordRefundPending(refund_id=REFUND, stripe_refund_id=StripeRefundId("re_1")),
)
DISPUTE = RecordDispute(
    dispute_id=DisputeId("du_1"),
    charge_id=StripeChargeId("ch_1"),
    amount=MONEY,
    reason="fraudulent",
    status=DisputeStatus.UNDER_REVIEW,
    withdrawn=(MONEY,),
)


def payment(*commands: PaymentCommand, **request: Any) -> PaymentState:
    state = fold(events_of([request_payment(PAYMENT_ID, **request), *commands]))
    assert state is not None
    return state


def is_new(kind: ObjectKind, stripe_object: dict[str, Any], state: PaymentState) -> bool:
    return is_new_information(
        Reference(kind=kind, stripe_object=stripe_object, intent_id=StripeIntentId(INTENT_ID), payment_id=None), state
    )


def succeeded_intent() -> dict[str, Any]:
    return an_intent(amount_received=1000, latest_charge="ch_1")


def action_intent() -> dict[str, Any]:
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank"}}
    return an_intent("requires_action", next_action=action)


def a_refund(status: str = "pending", **fields: Any) -> dict[str, Any]:
    ours = {REFUND_ID: str(REFUND)}
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 300,
        "currency": "usd",
        "status": status,
        "metadata": ours,
    } | fields


def a_dispute(status: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "du_1",
        "object": "dispute",
        "amount": 1000,
        "currency": "usd",
        "charge": "ch_1",
        "reason": "fraudulent",
        "status": status,
        "evidence_details": {"due_by": None},
        "balance_transactions": [{"amount": -1000, "currency": "usd"}],
    } | fields


def test_what_the_customer_did_at_stripe_is_new() -> None:
    assert is_new(ObjectKind.INTENT, succeeded_intent(), payment(CREATED, ACTION))
    assert is_new(ObjectKind.INTENT, action_intent(), payment(CREATED))
    assert is_new(ObjectKind.INTENT, an_intent("canceled", cancellation_reason="automatic"), payment(CREATED))


def test_what_one_of_our_calls_was_answered_already_is_not_new() -> None:
    assert not is_new(ObjectKind.INTENT, succeeded_intent(), payment(CREATED, SUCCEEDED))
    assert not is_new(ObjectKind.INTENT, action_intent(), payment(CREATED, ACTION))


def test_what_arrives_late_is_not_new() -> None:
    state = payment(CREATED, ACTION, SUCCEEDED)
    for shown in (action_intent(), an_intent("processing"), an_intent("requires_confirmation")):
        assert not is_new(ObjectKind.INTENT, shown, state)


def test_money_that_is_held_is_known_though_the_charge_is_not_expanded() -> None:
    held = RecordAuthorized(
        intent_id=StripeIntentId(INTENT_ID),
        amount=MONEY,
        charge_id=StripeChargeId("ch_1"),
        capture_before=1_800_000_000,
    )
    shown = an_intent("requires_capture", amount_capturable=1000, latest_charge="ch_1")
    assert not is_new(ObjectKind.INTENT, shown, payment(CREATED, held, capture_method=CaptureMethod.MANUAL))
    assert is_new(ObjectKind.INTENT, shown, payment(CREATED, capture_method=CaptureMethod.MANUAL))


def test_what_contradicts_the_log_or_cannot_be_read_is_new() -> None:
    paid = payment(CREATED, SUCCEEDED)
    assert is_new(ObjectKind.INTENT, succeeded_intent() | {"amount_received": 999}, paid)
    assert is_new(ObjectKind.INTENT, an_intent("of_the_future"), paid)
    assert is_new(ObjectKind.INTENT, {"id": INTENT_ID}, paid)
    assert is_new(ObjectKind.REFUND, {"id": "re_1"}, paid)
    assert is_new(ObjectKind.DISPUTE, {"id": "du_1"}, paid)
    assert is_new(ObjectKind.CHARGE, {"id": "ch_1"}, paid)


def test_a_refund_that_moved_on_or_is_unknown_is_new_a_known_one_is_not() -> None:
    refunding = payment(CREATED, SUCCEEDED, *REFUND_SENT)
    assert not is_new(ObjectKind.REFUND, a_refund("pending"), refunding)
    assert is_new(ObjectKind.REFUND, a_refund("succeeded"), refunding)
    assert is_new(ObjectKind.REFUND, a_refund("failed", failure_reason="expired_or_canceled_card"), refunding)
    assert is_new(ObjectKind.REFUND, a_refund("succeeded", id="re_2", metadata={}), refunding)


@pytest.mark.parametrize(("refunded", "expected"), [(0, False), (299, False), (300, False), (301, True)])
def test_a_charge_of_which_more_is_refunded_than_known_is_new(refunded: int, expected: bool) -> None:
    state = payment(CREATED, SUCCEEDED, *REFUND_SENT)
    assert is_new(ObjectKind.CHARGE, {"id": "ch_1", "amount_refunded": refunded}, state) is expected


def test_a_dispute_is_new_when_unknown_or_moved_on_and_not_when_late() -> None:
    assert is_new(ObjectKind.DISPUTE, a_dispute("needs_response"), payment(CREATED, SUCCEEDED))
    disputed = payment(CREATED, SUCCEEDED, DISPUTE)
    assert not is_new(ObjectKind.DISPUTE, a_dispute("under_review"), disputed)
    assert not is_new(ObjectKind.DISPUTE, a_dispute("needs_response"), disputed)
    assert is_new(ObjectKind.DISPUTE, a_dispute("won"), disputed)
    reinstated = [{"amount": -1000}, {"amount": 1000}]
    assert is_new(ObjectKind.DISPUTE, a_dispute("under_review", balance_transactions=reinstated), disputed)


@pytest.mark.parametrize("status", ["pending", "succeeded", "failed", "canceled"])
def test_whatever_becomes_of_the_refund_that_undid_a_payment_is_new(status: str) -> None:
    event_id = EventId(uuid.uuid4())
    undone = payment(
        RecordPaymentFailed(code=NOT_PROCESSED, message="No."),
        RecordUndone(
            event_id=event_id,
            intent_id=StripeIntentId(INTENT_ID),
            how="refunded",
            amount=MONEY,
            charge_id=StripeChargeId("ch_1"),
            refunds=(UndoneRefund(stripe_refund_id=StripeRefundId("re_1"), amount=MONEY),),
        ),
    )
    assert undone.may_appear
    assert is_new(ObjectKind.REFUND, a_refund(status), undone)
    failed = payment(RecordPaymentFailed(code=NOT_PROCESSED, message="No."))
    assert not is_new(ObjectKind.REFUND, a_refund("failed"), failed), "nothing was to be undone"

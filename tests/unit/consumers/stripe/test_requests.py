import dataclasses

import pytest

from consumers.stripe.requests import CardsBy, NothingToSend, request_of
from consumers.tasks.models import TaskOperation
from domain.ids import RefundId, RequestId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, RequestRefund
from domain.payment.events import PaymentRequested
from domain.payment.observations import RecordAuthorized, RecordIntentCreated, RecordSucceeded
from domain.payment.values import CaptureMethod, PaymentStatus, RefundReason
from tests.unit.consumers.gateway.gateway_objects import (
    EVENT_ID,
    INTENT_ID,
    PAYMENT_ID,
    REFUND_ID,
    REQUEST_ID,
    a_payment,
    a_task,
)

TEN = Money(amount_cents=1000, currency="USD")
CREATED = RecordIntentCreated(intent_id=StripeIntentId(INTENT_ID), status=PaymentStatus.REQUIRES_CONFIRMATION)
HELD = RecordAuthorized(intent_id=StripeIntentId(INTENT_ID), amount=TEN, charge_id=StripeChargeId("ch_1"))
SUCCEEDED = RecordSucceeded(intent_id=StripeIntentId(INTENT_ID), amount_captured=TEN, charge_id=StripeChargeId("ch_1"))


def test_a_payment_is_created_and_confirmed_under_the_key_of_its_event() -> None:
    payment, requested = a_payment(description="Two books")
    request = request_of(a_task(), requested, payment)
    assert request.idempotency_key == str(EVENT_ID)
    assert request.intent_id is None
    assert request.params == {
        "amount": 1000,
        "currency": "usd",
        "allowed_payment_method_types": ["card"],
        "payment_method": "pm_card_visa",
        "confirm": True,
        "description": "Two books",
        "metadata": {"order": "A-1", "paystream_payment_id": str(PAYMENT_ID)},
    }


def test_cards_can_be_all_that_does_not_redirect() -> None:
    payment, requested = a_payment()
    params = request_of(a_task(), requested, payment, cards_by=CardsBy.NO_REDIRECTS).params
    assert params["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "never"}
    assert "allowed_payment_method_types" not in params


def test_the_customer_and_what_stands_on_the_statement_reach_stripe() -> None:
    payment, requested = a_payment(customer="cus_NffrFeUfNV2Hib", statement_descriptor_suffix="BOOKS 2")
    params = request_of(a_task(), requested, payment).params
    assert (params["customer"], params["statement_descriptor_suffix"]) == ("cus_NffrFeUfNV2Hib", "BOOKS 2")
    payment, requested = a_payment()
    assert {"customer", "statement_descriptor_suffix"}.isdisjoint(request_of(a_task(), requested, payment).params)


def test_a_client_cannot_pass_for_another_payment() -> None:
    payment, requested = a_payment()
    assert isinstance(requested, PaymentRequested)
    requested = dataclasses.replace(requested, metadata={"paystream_payment_id": "another"})
    assert request_of(a_task(), requested, payment).params["metadata"] == {"paystream_payment_id": str(PAYMENT_ID)}


def test_a_hold_is_asked_for_with_the_charge_that_says_when_it_ends() -> None:
    payment, requested = a_payment(capture_method=CaptureMethod.MANUAL, confirm=False, payment_method=None)
    params = request_of(a_task(), requested, payment).params
    assert params["capture_method"] == "manual"
    assert params["expand"] == ["latest_charge"]
    assert "confirm" not in params
    assert "payment_method" not in params


def test_the_same_event_makes_the_same_request_however_the_payment_went_on() -> None:
    payment, requested = a_payment()
    later, _ = a_payment(CREATED, SUCCEEDED)
    assert request_of(a_task(), requested, payment) == request_of(a_task(attempts=9), requested, later)


def test_the_other_requests_name_the_intent() -> None:
    payment, requested = a_payment(CREATED, ConfirmPayment(payment_method="pm_2"), confirm=False)
    confirm = request_of(a_task(TaskOperation.CONFIRM_INTENT), requested, payment)
    assert (confirm.intent_id, confirm.params) == (INTENT_ID, {"payment_method": "pm_2"})
    five = Money(amount_cents=500, currency="USD")
    payment, requested = a_payment(
        HELD, CapturePayment(request_id=RequestId(REQUEST_ID), amount=five), capture_method=CaptureMethod.MANUAL
    )
    capture = request_of(a_task(TaskOperation.CAPTURE_INTENT), requested, payment)
    assert (capture.intent_id, capture.params) == (INTENT_ID, {"amount_to_capture": 500})
    payment, requested = a_payment(
        CREATED, CancelPayment(request_id=RequestId(REQUEST_ID), reason="duplicate"), confirm=False
    )
    cancel = request_of(a_task(TaskOperation.CANCEL_INTENT), requested, payment)
    assert (cancel.intent_id, cancel.params) == (INTENT_ID, {"cancellation_reason": "duplicate"})


def test_a_refund_carries_both_ids_and_the_reason() -> None:
    refund = RequestRefund(refund_id=RefundId(REFUND_ID), reason=RefundReason.DUPLICATE)
    payment, requested = a_payment(CREATED, SUCCEEDED, refund)
    request = request_of(a_task(TaskOperation.CREATE_REFUND), requested, payment)
    assert request.intent_id is None
    assert request.params == {
        "payment_intent": INTENT_ID,
        "amount": 1000,
        "reason": "duplicate",
        "metadata": {"paystream_payment_id": str(PAYMENT_ID), "paystream_refund_id": str(REFUND_ID)},
    }


def test_without_an_intent_there_is_nothing_to_cancel() -> None:
    payment, requested = a_payment(CancelPayment(request_id=RequestId(REQUEST_ID)), confirm=False)
    with pytest.raises(NothingToSend):
        request_of(a_task(TaskOperation.CANCEL_INTENT), requested, payment)


def test_without_an_intent_there_is_nothing_to_refund() -> None:
    paid, requested = a_payment(CREATED, SUCCEEDED, RequestRefund(refund_id=RefundId(REFUND_ID)))
    with pytest.raises(NothingToSend):
        request_of(a_task(TaskOperation.CREATE_REFUND), requested, dataclasses.replace(paid, intent_id=None))


def test_a_result_asks_stripe_for_nothing() -> None:
    payment, result = a_payment(CREATED, SUCCEEDED)
    with pytest.raises(NothingToSend):
        request_of(a_task(), result, payment)

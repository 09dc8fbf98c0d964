"""What payments wait for at Stripe."""

import pytest

from consumers.tasks.watch_list import Waiting, waiting
from domain.ids import DisputeId, RefundId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.money import Money
from domain.payment.commands import PaymentCommand, RequestRefund
from domain.payment.observations import (
    RecordActionRequired,
    RecordAuthorized,
    RecordCanceled,
    RecordDispute,
    RecordIntentCreated,
    RecordProcessing,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.values import CaptureMethod, DisputeStatus, PaymentStatus
from tests.unit.consumers.gateway.gateway_objects import INTENT_ID, REFUND_ID, a_payment

TEN = Money(amount_cents=1000, currency="USD")
CREATED = RecordIntentCreated(intent_id=StripeIntentId(INTENT_ID), status=PaymentStatus.REQUIRES_CONFIRMATION)
WITHOUT_CARD = RecordIntentCreated(intent_id=StripeIntentId(INTENT_ID), status=PaymentStatus.REQUIRES_PAYMENT_METHOD)
SUCCEEDED = RecordSucceeded(intent_id=StripeIntentId(INTENT_ID), amount_captured=TEN, charge_id=StripeChargeId("ch_1"))
REFUND = RequestRefund(refund_id=RefundId(REFUND_ID), amount=TEN)
PENDING = RecordRefundPending(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1"))


def a_dispute(status: DisputeStatus) -> RecordDispute:
    return RecordDispute(
        dispute_id=DisputeId("dp_1"), charge_id=StripeChargeId("ch_1"), amount=TEN, reason="fraudulent", status=status
    )


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ([], None),
        ([CREATED], Waiting(waits_for="requires_confirmation")),
        ([WITHOUT_CARD], Waiting(waits_for="requires_payment_method")),
        (
            [RecordActionRequired(intent_id=StripeIntentId(INTENT_ID), action_type="x")],
            Waiting(waits_for="requires_action"),
        ),
        ([RecordProcessing(intent_id=StripeIntentId(INTENT_ID))], Waiting(waits_for="processing")),
        ([SUCCEEDED], None),
        ([RecordCanceled(intent_id=StripeIntentId(INTENT_ID))], None),
        ([SUCCEEDED, REFUND], None),
        ([SUCCEEDED, REFUND, PENDING], Waiting(waits_for="refund")),
        (
            [
                SUCCEEDED,
                REFUND,
                PENDING,
                RecordRefundSucceeded(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1")),
            ],
            None,
        ),
        ([SUCCEEDED, a_dispute(DisputeStatus.UNDER_REVIEW)], Waiting(waits_for="dispute")),
        ([SUCCEEDED, a_dispute(DisputeStatus.WARNING_CLOSED)], None),
        ([SUCCEEDED, a_dispute(DisputeStatus.LOST)], None),
        ([SUCCEEDED, a_dispute(DisputeStatus.WON)], None),
        ([SUCCEEDED, a_dispute(DisputeStatus.PREVENTED)], None),
    ],
)
def test_a_payment_waits_for(happened: list[PaymentCommand], expected: Waiting | None) -> None:
    assert waiting(a_payment(*happened)[0]) == expected


def test_a_hold_waits_from_its_end_on() -> None:
    held = RecordAuthorized(
        intent_id=StripeIntentId(INTENT_ID), amount=TEN, charge_id=StripeChargeId("ch_1"), capture_before=1_900_000_000
    )
    payment, _ = a_payment(held, capture_method=CaptureMethod.MANUAL)
    assert waiting(payment) == Waiting(waits_for="requires_capture", since=1_900_000_000)


def test_what_does_not_exist_waits_for_nothing() -> None:
    assert waiting(None) is None

"""Payments told by what was asked and said, so that a test shows only what it is about."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.ids import (
    AttemptId,
    DisputeId,
    MerchantId,
    PaymentId,
    RefundId,
    RequestId,
    StripeChargeId,
    StripeIntentId,
    UserId,
)
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, PaymentCommand, RequestPayment, RequestRefund
from domain.payment.decide import decide
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold
from domain.payment.observations import (
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCancelFailed,
    RecordDispute,
    RecordIntentCreated,
    RecordProcessing,
    RecordSucceeded,
)
from domain.payment.state import PaymentState
from domain.payment.values import CaptureMethod, DisputeStatus, PaymentStatus

PAYMENT_ID = PaymentId(UUID(int=0x100))
INTENT = StripeIntentId("pi_1")
CHARGE = StripeChargeId("ch_1")


def usd(cents: int) -> Money:
    return Money(amount_cents=cents, currency="USD")


def request_id(number: int = 1) -> RequestId:
    return RequestId(UUID(int=0x200 + number))


def refund_id(number: int = 1) -> RefundId:
    return RefundId(UUID(int=0x300 + number))


def a_request(**changes: Any) -> RequestPayment:
    request = RequestPayment(
        payment_id=PAYMENT_ID,
        merchant_id=MerchantId("merchant_1"),
        user_id=UserId("user_1"),
        amount=usd(10_00),
        payment_method="pm_card_visa",
        confirm=True,
        capture_method=CaptureMethod.AUTOMATIC,
        description=None,
        metadata={},
        idempotency_key="key_1",
    )
    return replace(request, **changes)


def a_manual_request(**changes: Any) -> RequestPayment:
    return a_request(capture_method=CaptureMethod.MANUAL, **changes)


def an_unconfirmed_request(**changes: Any) -> RequestPayment:
    return a_request(payment_method=None, confirm=False, **changes)


def intent_created(status: PaymentStatus = PaymentStatus.REQUIRES_CONFIRMATION) -> RecordIntentCreated:
    return RecordIntentCreated(intent_id=INTENT, status=status)


def action_required(url: str | None = "https://bank.example/3ds/1") -> RecordActionRequired:
    return RecordActionRequired(intent_id=INTENT, action_type="redirect_to_url", redirect_url=url)


def processing() -> RecordProcessing:
    return RecordProcessing(intent_id=INTENT)


def attempt_failed(attempt: str = "ch_failed_1") -> RecordAttemptFailed:
    return RecordAttemptFailed(
        intent_id=INTENT,
        attempt_id=AttemptId(attempt),
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    )


def authorized(cents: int = 10_00, *, charge_id: str = CHARGE) -> RecordAuthorized:
    return RecordAuthorized(
        intent_id=INTENT,
        amount=usd(cents),
        charge_id=StripeChargeId(charge_id),
        capture_before=1_800_000_000,
    )


def succeeded(cents: int = 10_00, *, charge_id: str = CHARGE) -> RecordSucceeded:
    return RecordSucceeded(intent_id=INTENT, amount_captured=usd(cents), charge_id=StripeChargeId(charge_id))


def disputed(
    status: DisputeStatus = DisputeStatus.NEEDS_RESPONSE, *, withdrawn: int = 0, reinstated: int = 0, **changes: Any
) -> RecordDispute:
    """Return what Stripe says of a dispute; so often it took the whole amount, and gave it back."""
    dispute = RecordDispute(
        dispute_id=DisputeId("du_1"),
        charge_id=CHARGE,
        amount=usd(10_00),
        reason="fraudulent",
        status=status,
        evidence_due_by=1_800_000_000,
    )
    dispute = replace(dispute, **changes)
    return replace(dispute, withdrawn=(dispute.amount,) * withdrawn, reinstated=(dispute.amount,) * reinstated)


def capture(cents: int | None = None, *, number: int = 1) -> CapturePayment:
    return CapturePayment(request_id=request_id(number), amount=None if cents is None else usd(cents))


def cancel(number: int = 1, reason: str | None = None) -> CancelPayment:
    return CancelPayment(request_id=request_id(number), reason=reason)


def cancel_failed(number: int = 1) -> RecordCancelFailed:
    return RecordCancelFailed(request_id=request_id(number), code="unexpected_state", message="Too late.")


def refund(cents: int | None = None, *, number: int = 1) -> RequestRefund:
    return RequestRefund(refund_id=refund_id(number), amount=None if cents is None else usd(cents))


def history_of(*commands: PaymentCommand) -> list[PaymentEvent]:
    """The events of a payment after all of these commands, in this order."""
    events: list[PaymentEvent] = []
    for each in commands:
        events += decide(fold(events), each)
    return events


def payment_after(*commands: PaymentCommand) -> PaymentState:
    """The payment after all of these commands, in this order."""
    return _existing(fold(history_of(*commands)))


def then(state: PaymentState, *commands: PaymentCommand) -> PaymentState:
    """The payment after more commands."""
    for each in commands:
        state = _existing(fold(decide(state, each), state))
    return state


def names(events: Iterable[PaymentEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def _existing(state: PaymentState | None) -> PaymentState:
    assert state is not None, "nothing was requested"
    return state

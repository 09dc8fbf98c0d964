"""The observation that what an event requested failed: Stripe refused it, never did it, or it was given up. Pure."""

from consumers.gateway.outcomes import Fault
from consumers.tasks.models import Task
from domain.ids import AttemptId, StripeIntentId
from domain.payment.events import (
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentEvent,
    PaymentRequested,
    RefundRequested,
)
from domain.payment.observations import (
    PaymentObservation,
    RecordAttemptFailed,
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordRefundFailed,
)
from domain.payment.state import NOT_PROCESSED, PaymentState

EXPIRED = "expired"
"""Why a payment ended that Stripe could not be asked for in time; Stripe's own word for an intent that is too old:
https://docs.stripe.com/api/payment_intents/object#payment_intent_object-cancellation_reason."""


def refused_observation(task: Task, requested: PaymentEvent, fault: Fault) -> PaymentObservation:
    """Return that Stripe refused what the event requested."""
    return failure(
        requested,
        attempt_id=AttemptId(fault.charge_id or str(task.event_id)),
        intent_id=(fault.intent or {}).get("id"),
        code=fault.code,
        decline_code=fault.decline_code,
        message=fault.message,
    )


def never_done(
    task: Task, requested: PaymentEvent, payment: PaymentState, *, expired: bool
) -> tuple[PaymentObservation, ...]:
    """Return that Stripe never did what the event requested; `expired`: nor was it asked before it was too late."""
    if expired and isinstance(requested, PaymentRequested):
        cancellation = payment.cancel_requested
        return (RecordCanceled(intent_id=None, reason=EXPIRED if cancellation is None else cancellation.reason),)
    return (
        failure(
            requested,
            attempt_id=AttemptId(str(task.event_id)),
            intent_id=None,
            code=EXPIRED if expired else NOT_PROCESSED,
            decline_code=None,
            message="Stripe could not be asked in time." if expired else "Stripe did not process the request.",
        ),
    )


def failure(
    requested: PaymentEvent,
    *,
    attempt_id: AttemptId,
    intent_id: StripeIntentId | None,
    code: str,
    decline_code: str | None,
    message: str,
) -> PaymentObservation:
    """Return that what the event requested failed. The domain drops it when the payment moved on."""
    match requested:
        case PaymentRequested():
            return RecordPaymentFailed(code=code, decline_code=decline_code, message=message)
        case PaymentCaptureRequested():
            return RecordCaptureFailed(request_id=requested.request_id, code=code, message=message)
        case PaymentCancelRequested():
            return RecordCancelFailed(request_id=requested.request_id, code=code, message=message)
        case RefundRequested():
            return RecordRefundFailed(refund_id=requested.refund_id, stripe_refund_id=None, code=code, message=message)
        case _:
            return RecordAttemptFailed(
                intent_id=intent_id,
                attempt_id=attempt_id,
                code=code,
                decline_code=decline_code,
                message=message,
            )


def never_confirmed(task: Task, observations: tuple[PaymentObservation, ...]) -> tuple[PaymentObservation, ...]:
    """Say that the attempt failed when the intent was made and no more: it can be confirmed again."""
    return tuple(
        RecordAttemptFailed(
            intent_id=each.intent_id,
            attempt_id=AttemptId(str(task.event_id)),
            code=NOT_PROCESSED,
            decline_code=None,
            message="Stripe did not process the confirmation.",
        )
        for each in observations
        if isinstance(each, RecordIntentCreated)
    )

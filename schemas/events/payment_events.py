"""The events of payments on the wire."""

from domain.payment import events as payment
from domain.payment.events import PaymentEvent
from domain.personal_data import PersonalDataErased
from schemas.events.codec import Codec
from schemas.events.event_type import ACTOR_AND_REASON, EventType
from schemas.personal import UserFields

CATEGORY = "payment"

PAYMENT_EVENT_TYPES: tuple[EventType[PaymentEvent], ...] = (
    EventType(name="payment.requested", model=payment.PaymentRequested, personal=UserFields(texts=("description",))),
    EventType(name="payment.intent_created", model=payment.PaymentIntentCreated),
    EventType(name="payment.confirmation_requested", model=payment.PaymentConfirmationRequested),
    EventType(name="payment.action_required", model=payment.PaymentActionRequired),
    EventType(name="payment.processing", model=payment.PaymentProcessing),
    EventType(name="payment.authorized", model=payment.PaymentAuthorized),
    EventType(name="payment.capture_requested", model=payment.PaymentCaptureRequested),
    EventType(name="payment.capture_failed", model=payment.PaymentCaptureFailed),
    EventType(name="payment.succeeded", model=payment.PaymentSucceeded),
    EventType(name="payment.attempt_failed", model=payment.PaymentAttemptFailed),
    EventType(name="payment.failed", model=payment.PaymentFailed),
    EventType(name="payment.cancel_requested", model=payment.PaymentCancelRequested),
    EventType(name="payment.cancel_failed", model=payment.PaymentCancelFailed),
    EventType(name="payment.canceled", model=payment.PaymentCanceled),
    EventType(name="payment.refund_requested", model=payment.RefundRequested),
    EventType(name="payment.refund_pending", model=payment.RefundPending),
    EventType(name="payment.refund_succeeded", model=payment.RefundSucceeded),
    EventType(name="payment.refund_failed", model=payment.RefundFailed),
    EventType(name="payment.refund_found", model=payment.RefundFound),
    EventType(name="payment.dispute_opened", model=payment.DisputeOpened),
    EventType(name="payment.dispute_updated", model=payment.DisputeUpdated),
    EventType(name="payment.dispute_funds_withdrawn", model=payment.DisputeFundsWithdrawn),
    EventType(name="payment.dispute_funds_reinstated", model=payment.DisputeFundsReinstated),
    EventType(name="payment.dispute_closed", model=payment.DisputeClosed),
    EventType(name="payment.task_outcome_unknown", model=payment.TaskOutcomeUnknown),
    EventType(name="payment.task_retried", model=payment.TaskRetried, upcasters={1: ACTOR_AND_REASON}),
    EventType(name="payment.task_given_up", model=payment.TaskGivenUp, upcasters={1: ACTOR_AND_REASON}),
    EventType(name="payment.contradicted", model=payment.PaymentContradicted),
    EventType(
        name="payment.contradiction_resolved",
        model=payment.PaymentContradictionResolved,
        upcasters={1: ACTOR_AND_REASON},
    ),
    EventType(name="payment.task_undone", model=payment.TaskUndone),
    EventType(name="payment.personal_data_erased", model=PersonalDataErased),
)
PAYMENT_CODEC = Codec(PAYMENT_EVENT_TYPES)

"""Every event type of the log, and the payment's: how they are written and read."""

from typing import Any
from uuid import UUID

from domain.payment import events as payment
from domain.payment.events import PaymentEvent
from schemas.envelope import EventMetadata, NewEvent, RecordedEvent
from schemas.errors import UnknownEventType
from schemas.events.balance_events import BALANCE_EVENT_TYPES
from schemas.events.event_type import EventType
from schemas.events.reconciliation_events import RECONCILIATION_EVENT_TYPES
from schemas.events.stripe_events import STRIPE_EVENT_TYPES

PAYMENT_EVENT_TYPES: tuple[EventType[PaymentEvent], ...] = (
    EventType(name="payment.requested", model=payment.PaymentRequested),
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
    EventType(name="payment.task_retried", model=payment.TaskRetried),
    EventType(name="payment.task_given_up", model=payment.TaskGivenUp),
    EventType(name="payment.contradicted", model=payment.PaymentContradicted),
    EventType(name="payment.contradiction_resolved", model=payment.PaymentContradictionResolved),
    EventType(name="payment.task_undone", model=payment.TaskUndone),
)

EVENT_TYPES: tuple[EventType[Any], ...] = (
    *PAYMENT_EVENT_TYPES,
    *STRIPE_EVENT_TYPES,
    *BALANCE_EVENT_TYPES,
    *RECONCILIATION_EVENT_TYPES,
)

_BY_NAME = {event_type.name: event_type for event_type in PAYMENT_EVENT_TYPES}
_BY_MODEL = {event_type.model: event_type for event_type in PAYMENT_EVENT_TYPES}


def encode(event: PaymentEvent, *, event_id: UUID, metadata: EventMetadata) -> NewEvent:
    """Write a payment's event in its newest version."""
    event_type = _BY_MODEL[type(event)]
    return NewEvent(
        event_id=event_id,
        type=event_type.name,
        schema_version=event_type.version,
        data=event_type.adapter.dump_json(event),
        metadata=metadata,
    )


def decode(recorded: RecordedEvent) -> PaymentEvent:
    """Read a payment's recorded event, whatever version it was written in.

    Raises UnknownEventType, UnsupportedSchemaVersion or InvalidEventData: each a SchemaError.
    """
    event_type = _BY_NAME.get(recorded.type)
    if event_type is None:
        raise UnknownEventType(recorded.type)
    return event_type.read(recorded.data, recorded.schema_version)

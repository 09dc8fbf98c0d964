"""The events of split payments on the wire."""

from domain.personal_data import PersonalDataErased
from domain.split_payment import events as split
from domain.split_payment.events import SplitPaymentEvent
from schemas.events.codec import Codec
from schemas.events.event_type import EventType
from schemas.personal import UserFields

CATEGORY = "split-payment"

SPLIT_PAYMENT_EVENT_TYPES: tuple[EventType[SplitPaymentEvent], ...] = (
    EventType(name="split_payment.requested", model=split.SplitPaymentRequested, personal=UserFields(each_of="legs")),
    EventType(name="split_payment.leg_changed", model=split.LegChanged),
    EventType(name="split_payment.cancel_requested", model=split.SplitPaymentCancelRequested),
    EventType(name="split_payment.capture_started", model=split.CaptureStarted),
    EventType(name="split_payment.completed", model=split.SplitPaymentCompleted),
    EventType(name="split_payment.compensation_started", model=split.CompensationStarted),
    EventType(name="split_payment.compensation_failed", model=split.CompensationFailed),
    EventType(name="split_payment.compensation_stuck", model=split.CompensationStuck),
    EventType(name="split_payment.compensation_retried", model=split.CompensationRetried),
    EventType(name="split_payment.compensated", model=split.SplitPaymentCompensated),
    EventType(name="split_payment.given_up", model=split.SplitPaymentGivenUp),
    EventType(name="split_payment.refund_requested", model=split.SplitRefundRequested),
    EventType(name="split_payment.refund_part_changed", model=split.RefundPartChanged),
    EventType(name="split_payment.personal_data_erased", model=PersonalDataErased),
)
SPLIT_PAYMENT_CODEC = Codec(SPLIT_PAYMENT_EVENT_TYPES)

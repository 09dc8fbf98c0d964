"""The event types of the log and the Kafka topics, and their reading and writing."""

from schemas.events.balance_events import BALANCE_EVENT_TYPES, decode_balance_event, encode_balance_event
from schemas.events.event_type import EventType
from schemas.events.reconciliation_events import (
    RECONCILIATION_EVENT_TYPES,
    decode_reconciliation_event,
    encode_reconciliation_event,
)
from schemas.events.registry import EVENT_TYPES, PAYMENT_EVENT_TYPES, decode, encode
from schemas.events.stripe_events import STRIPE_EVENT_TYPES, decode_stripe_event, encode_stripe_event

__all__ = [
    "BALANCE_EVENT_TYPES",
    "EVENT_TYPES",
    "PAYMENT_EVENT_TYPES",
    "RECONCILIATION_EVENT_TYPES",
    "STRIPE_EVENT_TYPES",
    "EventType",
    "decode",
    "decode_balance_event",
    "decode_reconciliation_event",
    "decode_stripe_event",
    "encode",
    "encode_balance_event",
    "encode_reconciliation_event",
    "encode_stripe_event",
]

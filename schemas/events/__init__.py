"""The event types of the log and the Kafka topics, and their reading and writing."""

from schemas.events.access_events import (
    ACCESS_CODEC,
    ACCESS_EVENT_TYPES,
    API_KEY_CODEC,
    MERCHANT_CODEC,
    STAFF_CODEC,
)
from schemas.events.balance_events import BALANCE_CODEC, BALANCE_EVENT_TYPES
from schemas.events.codec import Codec
from schemas.events.event_type import EventType
from schemas.events.payment_events import PAYMENT_CODEC, PAYMENT_EVENT_TYPES
from schemas.events.privacy_events import PRIVACY_CODEC, PRIVACY_EVENT_TYPES
from schemas.events.reconciliation_events import (
    DISCREPANCY_CODEC,
    RECONCILIATION_CODEC,
    RECONCILIATION_EVENT_TYPES,
    RUN_CODEC,
)
from schemas.events.registry import EVENT_TYPES
from schemas.events.split_payment_events import SPLIT_PAYMENT_CODEC, SPLIT_PAYMENT_EVENT_TYPES
from schemas.events.stripe_events import STRIPE_EVENT_CODEC, STRIPE_EVENT_TYPES
from schemas.events.webhook_endpoint_events import WEBHOOK_ENDPOINT_CODEC, WEBHOOK_ENDPOINT_EVENT_TYPES

__all__ = [
    "ACCESS_CODEC",
    "ACCESS_EVENT_TYPES",
    "API_KEY_CODEC",
    "BALANCE_CODEC",
    "BALANCE_EVENT_TYPES",
    "DISCREPANCY_CODEC",
    "EVENT_TYPES",
    "MERCHANT_CODEC",
    "PAYMENT_CODEC",
    "PAYMENT_EVENT_TYPES",
    "PRIVACY_CODEC",
    "PRIVACY_EVENT_TYPES",
    "RECONCILIATION_CODEC",
    "RECONCILIATION_EVENT_TYPES",
    "RUN_CODEC",
    "SPLIT_PAYMENT_CODEC",
    "SPLIT_PAYMENT_EVENT_TYPES",
    "STAFF_CODEC",
    "STRIPE_EVENT_CODEC",
    "STRIPE_EVENT_TYPES",
    "WEBHOOK_ENDPOINT_CODEC",
    "WEBHOOK_ENDPOINT_EVENT_TYPES",
    "Codec",
    "EventType",
]

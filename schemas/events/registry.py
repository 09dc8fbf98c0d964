"""Every event type of the log."""

from collections.abc import Mapping
from typing import Any

from schemas.events.access_events import ACCESS_EVENT_TYPES
from schemas.events.balance_events import BALANCE_EVENT_TYPES
from schemas.events.event_type import EventType
from schemas.events.payment_events import PAYMENT_EVENT_TYPES
from schemas.events.privacy_events import PRIVACY_EVENT_TYPES
from schemas.events.reconciliation_events import RECONCILIATION_EVENT_TYPES
from schemas.events.split_payment_events import SPLIT_PAYMENT_EVENT_TYPES
from schemas.events.stripe_events import STRIPE_EVENT_TYPES
from schemas.events.webhook_endpoint_events import WEBHOOK_ENDPOINT_EVENT_TYPES

EVENT_TYPES: tuple[EventType[Any], ...] = (
    *PAYMENT_EVENT_TYPES,
    *STRIPE_EVENT_TYPES,
    *BALANCE_EVENT_TYPES,
    *RECONCILIATION_EVENT_TYPES,
    *SPLIT_PAYMENT_EVENT_TYPES,
    *PRIVACY_EVENT_TYPES,
    *ACCESS_EVENT_TYPES,
    *WEBHOOK_ENDPOINT_EVENT_TYPES,
)

BY_NAME: Mapping[str, EventType[Any]] = {each.name: each for each in EVENT_TYPES}

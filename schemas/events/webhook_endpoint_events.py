"""The events of webhook endpoints on the wire."""

from domain.webhook_endpoint import WebhookEndpointDisabled, WebhookEndpointEvent
from schemas.events.codec import Codec
from schemas.events.event_type import EventType

CATEGORY = "webhook-endpoint"

WEBHOOK_ENDPOINT_EVENT_TYPES: tuple[EventType[WebhookEndpointEvent], ...] = (
    EventType(name="webhook_endpoint.disabled", model=WebhookEndpointDisabled),
)
WEBHOOK_ENDPOINT_CODEC = Codec(WEBHOOK_ENDPOINT_EVENT_TYPES)

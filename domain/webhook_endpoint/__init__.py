"""Where a merchant gets its events by HTTP: what the log keeps of it."""

from domain.webhook_endpoint.events import DisabledBecause, WebhookEndpointDisabled, WebhookEndpointEvent

__all__ = ["DisabledBecause", "WebhookEndpointDisabled", "WebhookEndpointEvent"]

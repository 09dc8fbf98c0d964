"""Webhook endpoints without a database: what needs it is refused as unavailable."""

from command_api.webhook_endpoints.service import WebhookEndpointService
from infra.postgres.pool import create_pool
from infra.webhooks_out.addresses import AddressPolicy
from infra.webhooks_out.secret_box import SecretBox


def a_refusing_endpoint_service() -> WebhookEndpointService:
    return WebhookEndpointService(
        pool=create_pool("postgresql://127.0.0.1:9/nowhere", size=1, name="nowhere"),
        box=SecretBox([bytes(32)]),
        addresses=AddressPolicy(allow_private=False, allow_http=False),
        timeout_s=0.1,
    )

"""What happened to a webhook endpoint by itself. What its merchant did is in its row."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import WebhookEndpointId


class DisabledBecause(StrEnum):
    """Why nothing is sent to an endpoint any more, though its merchant did not say so."""

    FAILING = "failing"
    """Nothing was delivered for days."""
    GONE = "gone"
    """It answered 410 Gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEndpointDisabled:
    """Nothing is sent to an endpoint any more, until its merchant enables it.

    ``failing_since`` is in Unix seconds; since then each of so many attempts failed.
    """

    endpoint_id: WebhookEndpointId
    because: DisabledBecause
    failing_since: int
    failures: int


WebhookEndpointEvent = WebhookEndpointDisabled

"""Settings of the worker of webhooks to merchants."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from infra.settings.kafka import KafkaSettings
from infra.settings.privacy import VaultSettings
from infra.webhooks_out.settings import WebhookEndpointSettings

# As the specification's example, within three days:
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
_RETRY_AFTER_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 72_000)
_LEASE_MARGIN_MS = 5_000
_LONGEST_PAUSE_S = 30 * 24 * 3600
"""Of `inf`, PostgreSQL makes no time: what came of an attempt would never be written, and it would be made for ever."""


class WebhooksOutSettings(VaultSettings, KafkaSettings, WebhookEndpointSettings):
    """What the worker needs."""

    webhooks_out_concurrency: Annotated[int, Field(ge=1, le=1000)] = 64
    """Attempts at once, in one process."""
    webhooks_out_per_endpoint: Annotated[int, Field(ge=1, le=1000)] = 16
    """Of these, to one endpoint."""
    webhooks_out_timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 15_000
    """How long an endpoint may take to answer."""
    webhooks_out_retry_after_s: Annotated[tuple[Annotated[float, Field(ge=0, le=_LONGEST_PAUSE_S)], ...], NoDecode] = (
        _RETRY_AFTER_S
    )
    """The pauses before each further attempt, less up to a tenth at random; after the last, a delivery has failed."""
    webhooks_out_disable_after_s: Annotated[int, Field(ge=1)] = 5 * 24 * 3600
    """An endpoint that took nothing for so long is disabled."""
    webhooks_out_retention_s: Annotated[int, Field(ge=3600)] = 30 * 24 * 3600
    """How long a delivery that has ended, and its attempts, are kept."""

    @field_validator("webhooks_out_retry_after_s", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def lease_ms(self) -> int:
        """How long an attempt is ours: after a crash, it is made again so much later."""
        return self.webhooks_out_timeout_ms + _LEASE_MARGIN_MS

"""Settings of the interpreter of webhooks."""

from typing import Annotated

from pydantic import Field

from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import DatabaseSettings


class WebhooksSettings(DatabaseSettings, KafkaSettings):
    """What the interpreter needs. It never calls Stripe, so it has no key."""

    webhooks_wait_for_calls_ms: Annotated[int, Field(ge=0, le=3000)] = 2000
    """How long an event may wait for the answer of the call that it is probably about. A longer wait would delay
    the stop of the process."""

"""Settings of the command API's process."""

from typing import Annotated

from pydantic import Field

from domain.payment.requests import MAX_EXPIRES_IN_SECONDS, MIN_EXPIRES_IN_SECONDS
from infra.settings import (
    ApiKeySettings,
    AppendSettings,
    Port,
    ReconciliationDaySettings,
    StripeWebhookSettings,
)
from infra.stripe_guard.settings import StripeGuardSettings


class CommandApiSettings(
    AppendSettings, ApiKeySettings, ReconciliationDaySettings, StripeWebhookSettings, StripeGuardSettings
):
    """What the command API reads from its environment."""

    command_api_host: str = "127.0.0.1"
    command_api_port: Port = 8000
    command_api_max_wait_s: Annotated[int, Field(ge=0)] = 30
    """The longest that `Prefer: wait` is granted; 0 ignores it."""
    payment_expires_in_s: Annotated[int, Field(ge=MIN_EXPIRES_IN_SECONDS, le=MAX_EXPIRES_IN_SECONDS)] = 24 * 3600
    """When Stripe could not be asked for so long, a charge is not tried any more; clients may say otherwise."""
    command_api_timeout_ms: Annotated[int, Field(ge=100)] = 5000
    """How long a command may take to be recorded before the client is told to ask again."""

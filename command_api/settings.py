"""Settings of the command API's process."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from command_api.admission import MOST_IN_PROGRESS
from domain.payment.requests import MAX_EXPIRES_IN_SECONDS, MIN_EXPIRES_IN_SECONDS
from domain.split_payment.decide import MAX_EXPIRES_IN_SECONDS as MAX_SPLIT_EXPIRES
from domain.split_payment.decide import MIN_EXPIRES_IN_SECONDS as MIN_SPLIT_EXPIRES
from infra.http.operations import AccessLogin
from infra.settings.cell import CellSettings
from infra.settings.http import ApiKeySettings, CorsSettings, RateLimitSettings
from infra.settings.kafka import TopicSettings
from infra.settings.postgres import AppendSettings, PostgresUrl
from infra.settings.privacy import VaultSettings
from infra.settings.process import Port
from infra.settings.reconciliation import ReconciliationDaySettings
from infra.settings.stripe import StripeWebhookSettings
from infra.stripe.guard.settings import StripeGuardSettings
from infra.webhooks_out.settings import WebhookEndpointSettings


class CommandApiSettings(
    AppendSettings,
    VaultSettings,
    ApiKeySettings,
    CorsSettings,
    RateLimitSettings,
    ReconciliationDaySettings,
    StripeWebhookSettings,
    StripeGuardSettings,
    WebhookEndpointSettings,
    CellSettings,
    TopicSettings,
):
    """What the command API reads from its environment."""

    erasure_database_url: PostgresUrl | None = None
    """The log, through the role paystream_erasure, to erase and hand out personal data. None: not possible here."""
    access_database_url: PostgresUrl | None = None
    """The login that changes merchants and API keys (role paystream_access). None: over HTTP they are only shown."""
    command_api_host: str = "127.0.0.1"
    command_api_port: Port = 8000
    command_api_max_wait_s: Annotated[int, Field(ge=0)] = 30
    """The longest that `Prefer: wait` is granted; 0 ignores it."""
    payment_expires_in_s: Annotated[int, Field(ge=MIN_EXPIRES_IN_SECONDS, le=MAX_EXPIRES_IN_SECONDS)] = 24 * 3600
    """When Stripe could not be asked for so long, a charge is not tried any more; clients may say otherwise."""
    split_payment_expires_in_s: Annotated[int, Field(ge=MIN_SPLIT_EXPIRES, le=MAX_SPLIT_EXPIRES)] = 3600
    """How long the customers of a split payment have until what is held is released; clients may say otherwise."""
    command_api_timeout_ms: Annotated[int, Field(ge=100)] = 5000
    """How long a command may take to be recorded before the client is told to ask again."""
    command_api_max_in_progress: Annotated[int, Field(ge=1)] = MOST_IN_PROGRESS
    """How many commands may wait to be recorded, and how many webhooks; beyond, the answer is 503 at once."""
    stripe_ids_are_merchants: bool = True
    """Whether a customer or payment method of Stripe belongs to the merchant that used it first."""
    card_number_exempt_fields: Annotated[frozenset[str], NoDecode] = frozenset()
    """Where no card number is looked for: `Idempotency-Key`, and paths in a body (`user_id`, `metadata.order_id`)."""

    @field_validator("card_number_exempt_fields", mode="before")
    @classmethod
    def _parse_fields(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(part.strip() for part in value.split(",") if part.strip())

    @property
    def command_timeout_s(self) -> float:
        """COMMAND_API_TIMEOUT_MS in seconds."""
        return self.command_api_timeout_ms / 1000

    @property
    def access_login(self) -> AccessLogin | None:
        """How merchants and keys are changed here."""
        if self.access_database_url is None:
            return None
        url = self.access_database_url.get_secret_value()
        return AccessLogin(database_url=url, is_production=self.app_env == "production")

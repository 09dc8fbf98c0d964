"""The sandbox's settings."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from infra.settings.process import Port, ProcessSettings
from infra.stripe_sandbox.behaviour import Behaviour
from infra.stripe_sandbox.latency import Delays
from infra.stripe_sandbox.webhooks.endpoints import Endpoint

CONFIGURED_ENDPOINT = "we_from_the_settings"


class SandboxSettings(ProcessSettings):
    """Names as in the environment, in lower case."""

    stripe_sandbox_host: str = "127.0.0.1"
    stripe_sandbox_port: Port = 8002
    stripe_sandbox_data: Path | None = None
    """The file that holds everything; without one it lives in memory and ends with the process."""
    stripe_sandbox_latency_ms: int = Field(default=0, ge=0)
    stripe_sandbox_latency_after_ms: int = Field(default=0, ge=0)
    stripe_sandbox_latency_jitter_ms: int = Field(default=0, ge=0)
    stripe_sandbox_settle_ms: int = Field(default=2000, ge=0)
    """When refunds of the pending and failing test cards move, disputes open and are decided."""
    stripe_sandbox_clock_rate: float | None = Field(default=None, gt=0)
    """How many times as fast as real time the sandbox's clock runs; without it, as it ran last, or as real time."""
    stripe_sandbox_automatic_payouts: bool = False
    """Whether what is available is paid out at each midnight (UTC) of its clock, as Stripe does by default."""
    stripe_sandbox_booking_lag_s: float = Field(default=0, ge=0)
    """How long after a payment the balance learns of it. Without, the moment after the answer."""
    stripe_sandbox_cards_want_return_url: bool = False
    """Whether a confirmation with `allowed_payment_method_types` needs a `return_url`. It was not seen at Stripe."""
    stripe_sandbox_search_lag_s: float = Field(default=0, ge=0)
    """How old a payment intent is at least before a search finds it. At Stripe, up to a minute."""
    stripe_sandbox_webhook_url: str | None = Field(default=None, pattern=r"^https?://")
    """Where every account's events go, beside what the control panel adds. Without it, nowhere."""
    stripe_sandbox_webhook_secret: SecretStr | None = None
    """What they are signed with; two secrets with a comma between while one is replaced by the other."""
    stripe_sandbox_webhook_events: str = "*"
    """Which types of events, with commas between."""
    stripe_sandbox_webhook_timeout_ms: int = Field(default=10_000, ge=1)

    @property
    def delays(self) -> Delays:
        """The delays that requests begin with."""
        return Delays(
            before_ms=self.stripe_sandbox_latency_ms,
            after_ms=self.stripe_sandbox_latency_after_ms,
            jitter_ms=self.stripe_sandbox_latency_jitter_ms,
        )

    @property
    def behaviour(self) -> Behaviour:
        """What it does by itself, and late, to begin with."""
        return Behaviour(
            automatic_payouts=self.stripe_sandbox_automatic_payouts,
            booking_lag_s=self.stripe_sandbox_booking_lag_s,
            cards_want_return_url=self.stripe_sandbox_cards_want_return_url,
            search_lag_s=self.stripe_sandbox_search_lag_s,
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The webhook endpoint that the settings name, if any."""
        if self.stripe_sandbox_webhook_url is None or self.stripe_sandbox_webhook_secret is None:
            return ()
        return (
            Endpoint(
                id=CONFIGURED_ENDPOINT,
                created=0,
                url=self.stripe_sandbox_webhook_url,
                secrets=_parts(self.stripe_sandbox_webhook_secret.get_secret_value()),
                enabled_events=_parts(self.stripe_sandbox_webhook_events),
            ),
        )

    @model_validator(mode="after")
    def _webhooks_are_signed(self) -> Self:
        if self.stripe_sandbox_webhook_url is not None:
            secret = self.stripe_sandbox_webhook_secret
            if secret is None or not _parts(secret.get_secret_value()):
                raise ValueError("STRIPE_SANDBOX_WEBHOOK_URL needs STRIPE_SANDBOX_WEBHOOK_SECRET")
        return self

    @field_validator("app_env")
    @classmethod
    def _never_in_production(cls, value: str) -> str:
        if value == "production":
            raise ValueError("the Stripe sandbox moves no money and is refused in production")
        return value


def _parts(text: str) -> list[str]:
    return [part for part in (each.strip() for each in text.split(",")) if part]

"""Stripe, and what Stripe sends to us."""

import re
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from infra.settings.process import ProcessSettings

STRIPE_CALL_MARGIN_MS = 2_000

_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}")

# https://docs.stripe.com/keys: a key of an organization (sk_org_) says nothing of the account that it acts for.
_LIVE_KEYS = ("sk_live_", "rk_live_")
_TEST_KEYS = ("sk_test_", "rk_test_")


class StripeSettings(ProcessSettings):
    """Stripe, or the sandbox if `stripe_api_base` names it."""

    stripe_secret_key: SecretStr
    stripe_api_base: str | None = None
    stripe_timeout_ms: Annotated[int, Field(ge=1)] = 10_000

    @field_validator("stripe_secret_key")
    @classmethod
    def _live_in_production_only(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        """Take what is known to be a test key everywhere, and a live one in production; nothing else anywhere."""
        key = value.get_secret_value()
        if key.startswith(_LIVE_KEYS):
            if info.data.get("app_env") != "production":
                raise ValueError("is a live key, which moves real money: only APP_ENV=production may use it")
        elif not key.startswith(_TEST_KEYS):
            raise ValueError("must begin with sk_test_ or rk_test_, or in production with sk_live_ or rk_live_")
        return value

    @field_validator("stripe_api_base")
    @classmethod
    def _https_in_production(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must be an address like http://127.0.0.1:8002")
        if info.data.get("app_env") == "production" and not value.startswith("https://"):
            raise ValueError("must be https when APP_ENV=production")
        return value.rstrip("/")

    @property
    def stripe_call_timeout_s(self) -> float:
        """How long a whole call may take, in seconds; STRIPE_TIMEOUT_MS holds for each of its phases."""
        return (self.stripe_timeout_ms + STRIPE_CALL_MARGIN_MS) / 1000

    @property
    def stripe_livemode(self) -> bool:
        """Whether the key moves real money: https://docs.stripe.com/keys."""
        return self.stripe_secret_key.get_secret_value().startswith(_LIVE_KEYS)


class StripeWebhookSettings(StripeSettings):
    """Who may have signed what Stripe sends. It must be of the key's mode, test or live."""

    stripe_webhook_secret: Annotated[tuple[SecretStr, ...], NoDecode]
    """whsec_...; while it is changed, the old one and the new one, comma-separated."""
    stripe_webhook_tolerance_s: Annotated[int, Field(ge=1)] = 300
    """How old a signature may be: longer, and what somebody recorded can be sent again."""
    stripe_webhook_max_bytes: Annotated[int, Field(ge=1024)] = 1024 * 1024
    """Twice the metadata that Stripe takes, as it is now and was before, each character as two JSON escapes, is 650 kB.
    https://docs.stripe.com/metadata: 50 keys of 40 characters, values of 500."""

    @field_validator("stripe_webhook_secret", mode="before")
    @classmethod
    def _parse_secrets(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _no_empty_secret(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        # Whoever knows that it is empty could sign with it.
        if not secrets or not all(secret.get_secret_value().strip() for secret in secrets):
            raise ValueError("must not be empty, nor have an empty part")
        return secrets

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _long_in_production(cls, secrets: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        """Refuse what Stripe would not give out, and somebody could guess."""
        well_formed = all(_WEBHOOK_SECRET.fullmatch(secret.get_secret_value()) for secret in secrets)
        if info.data.get("app_env") == "production" and not well_formed:
            raise ValueError("must be whsec_ and at least 16 characters when APP_ENV=production")
        return secrets

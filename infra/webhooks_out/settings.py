"""Settings of webhooks to merchants: the key of their secrets, and which addresses may be called."""

import base64
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from infra.settings.base64_keys import read_keys
from infra.settings.process import ProcessSettings
from infra.webhooks_out.addresses import AddressPolicy
from infra.webhooks_out.secret_box import SecretBox

DEVELOPMENT_SECRETS_KEY = base64.b64encode(b"paystream development-only key 1").decode()
"""Anybody can read it here: production refuses it."""


def _check_keys(value: SecretStr) -> SecretStr:
    read_keys(value.get_secret_value())
    return value


class WebhookEndpointSettings(ProcessSettings):
    """What the command API and the worker both need."""

    webhook_secrets_key: Annotated[SecretStr, AfterValidator(_check_keys), Field(validate_default=True)] = SecretStr(
        DEVELOPMENT_SECRETS_KEY
    )
    """Encrypts the secrets of endpoints. While it is changed, the new one and the old one, with a comma between."""
    webhooks_out_allow_private: bool | None = None
    """Whether webhooks may go to private addresses. By default, everywhere but in production."""

    @field_validator("webhook_secrets_key")
    @classmethod
    def _no_development_key_in_production(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        used = {each.strip() for each in value.get_secret_value().split(",")}
        if info.data.get("app_env") == "production" and DEVELOPMENT_SECRETS_KEY in used:
            raise ValueError("is not set, or is the development key, which APP_ENV=production refuses")
        return value

    @property
    def secret_box(self) -> SecretBox:
        """What encrypts and decrypts the secrets of endpoints."""
        return SecretBox(read_keys(self.webhook_secrets_key.get_secret_value()))

    @property
    def webhook_addresses(self) -> AddressPolicy:
        """Which addresses merchants may choose. Production takes https alone."""
        is_production = self.app_env == "production"
        allow_private = (
            not is_production if self.webhooks_out_allow_private is None else self.webhooks_out_allow_private
        )
        return AddressPolicy(allow_private=allow_private, allow_http=not is_production)

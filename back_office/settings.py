"""Settings of the back office's process."""

import hashlib
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from back_office.staff.oidc.settings import SignOnSettings
from infra.settings.http import DEVELOPMENT_KEYS_SHA256
from infra.settings.process import Port
from infra.settings.reconciliation import ReconciliationDaySettings


def _base_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_base_address)]


class BackOfficeSettings(SignOnSettings, ReconciliationDaySettings):
    """What the back office reads from its environment. Its days are those of the reconciliation."""

    back_office_host: str = "127.0.0.1"
    back_office_port: Port = 8003
    back_office_command_api_url: HttpUrl = "http://127.0.0.1:8000"
    back_office_query_api_url: HttpUrl = "http://127.0.0.1:8001"
    back_office_api_key: SecretStr
    """Its key for both APIs: the merchant of this key is the one that is shown."""
    back_office_operator_api_key: SecretStr | None = None
    """The operator's, for what is of all merchants; needed as soon as there are two. None: the other is for all."""
    back_office_api_timeout_ms: Annotated[int, Field(ge=100)] = 10_000
    back_office_stripe_dashboard_url: HttpUrl = "https://dashboard.stripe.com/test"
    """Where links to Stripe lead; without /test for live payments."""
    back_office_max_streams: Annotated[int, Field(ge=0)] = 200
    """Pages that are told at once when their payment changes; further ones are told by a reload."""
    back_office_session_idle_s: Annotated[int, Field(ge=60)] = 1800
    """A session ends when nothing was asked for so long."""
    back_office_session_max_s: Annotated[int, Field(ge=60)] = 36_000
    """And so long after the log-in in any case."""
    back_office_lockout_failures: Annotated[int, Field(ge=1)] = 5
    """After so many wrong passwords in a row a name is locked."""
    back_office_lockout_s: Annotated[int, Field(ge=1)] = 900
    """For so long."""

    @field_validator("back_office_api_key", "back_office_operator_api_key")
    @classmethod
    def _no_development_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        digest = hashlib.sha256(value.get_secret_value().encode()).hexdigest()
        if info.data.get("app_env") == "production" and digest in DEVELOPMENT_KEYS_SHA256:
            raise ValueError("is the development key, which APP_ENV=production refuses")
        return value

    @property
    def is_development(self) -> bool:
        """Whether cookies may travel over plain HTTP."""
        return self.app_env == "development"

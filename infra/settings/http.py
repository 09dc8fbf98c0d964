"""Who may call the HTTP APIs."""

import math
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from infra.access.principal import NO_MERCHANT, OPERATOR_SCOPES, Scope
from infra.settings.json_value import parsed_json
from infra.settings.process import ProcessSettings

# sha256("sk_dev_paystream"): the key that the README prints, so it must never open a production deployment.
DEVELOPMENT_KEY_SHA256 = "c54bdf1d9ff09f32de9a6e9b699eecd23a4fe37275cd41b61e59afab53652d85"
# And sha256("sk_dev_paystream_operator"): the operator's, of the back office of `make run`.
DEVELOPMENT_KEYS_SHA256 = frozenset(
    {DEVELOPMENT_KEY_SHA256, "2c96d20682661dca20aee0aaf87a92053764855fd8d8ea732cbd4a44761f8233"}
)

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?")


class CorsSettings(ProcessSettings):
    """Which pages in browsers may call an HTTP API."""

    cors_allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins such as `https://shop.example`, with commas between; a key in a page is everybody's who opens it."""

    @field_validator("cors_allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"holds {origin!r}, which is no origin like https://shop.example")
        return origins


class ApiKey(BaseModel):
    """One API key: `sha256` is the hash, in hexadecimal, of the key that the client sends."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(min_length=1, max_length=100)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    merchant_id: Annotated[str, Field(min_length=1, max_length=100)] | None
    """null: the operator's, for what belongs to all merchants."""
    scopes: frozenset[Scope]

    @field_validator("sha256", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("merchant_id")
    @classmethod
    def _no_reserved_name(cls, value: str | None) -> str | None:
        if value == NO_MERCHANT:
            raise ValueError(f"must not be {NO_MERCHANT}, which stands for the operator: write null")
        return value

    @field_validator("scopes")
    @classmethod
    def _no_payments_of_nobody(cls, scopes: frozenset[Scope], info: ValidationInfo) -> frozenset[Scope]:
        if info.data.get("merchant_id", "") is None and not scopes <= OPERATOR_SCOPES:
            raise ValueError("are of payments, and a key without a merchant has none")
        return scopes


class ApiKeySettings(ProcessSettings):
    """Who may call the HTTP APIs: API_KEYS is a JSON list of `ApiKey`; more keys are in PostgreSQL."""

    api_keys: Annotated[tuple[ApiKey, ...], NoDecode]
    api_keys_refresh_ms: Annotated[int, Field(ge=100, le=60_000)] = 2000
    """How often a process looks whether the keys in PostgreSQL changed: so long a revoked one may still be taken."""
    api_keys_max_age_s: Annotated[int, Field(ge=1)] = 900
    """While PostgreSQL is away: how long the keys that were read from it are taken."""

    @field_validator("api_keys_max_age_s")
    @classmethod
    def _outlives_looks(cls, value: int, info: ValidationInfo) -> int:
        """Refuse an age at which no stored key would be taken between two looks."""
        least_s = math.ceil(2 * info.data.get("api_keys_refresh_ms", 0) / 1000)
        if value < least_s:
            raise ValueError(f"must be at least {least_s} with this API_KEYS_REFRESH_MS")
        return value

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return parsed_json(value)

    @field_validator("api_keys")
    @classmethod
    def _check(cls, keys: tuple[ApiKey, ...], info: ValidationInfo) -> tuple[ApiKey, ...]:
        ids = [key.id for key in keys]
        if len(set(ids)) != len(ids):
            raise ValueError("has the same id twice")
        if len({key.sha256 for key in keys}) != len(keys):
            raise ValueError("has the same key twice")
        if info.data.get("app_env") == "production" and any(k.sha256 in DEVELOPMENT_KEYS_SHA256 for k in keys):
            raise ValueError("holds the development key, which APP_ENV=production refuses")
        return keys


class RateLimitSettings(ProcessSettings):
    """How many requests an API key may make, of all processes together; 0: as many as it likes."""

    rate_limit_write_per_s: Annotated[int, Field(ge=0)] = 5000
    """Commands on payments."""
    rate_limit_read_per_s: Annotated[int, Field(ge=0)] = 10_000
    """Reads of payments."""
    rate_limit_account_per_s: Annotated[int, Field(ge=0)] = 1000
    """What concerns the whole account: the ledger, reconciliations."""
    rate_limit_burst_s: Annotated[int, Field(ge=1, le=3600)] = 2
    """So much unused time is saved up: twice the rate can come at once after a quiet moment."""

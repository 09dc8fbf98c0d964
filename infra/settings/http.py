"""Who may call the HTTP APIs."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from infra.settings.process import ProcessSettings

# sha256("sk_dev_paystream"): the key that the README prints, so it must never open a production deployment.
DEVELOPMENT_KEY_SHA256 = "c54bdf1d9ff09f32de9a6e9b699eecd23a4fe37275cd41b61e59afab53652d85"

Scope = Literal["payments:write", "payments:read", "finance:write", "finance:read", "actor:set"]
"""What an API key may be for. `actor:set`: to say which of its own people acts, with `Paystream-Actor`."""


class ApiKey(BaseModel):
    """One API key: `sha256` is the hash, in hexadecimal, of the key that the client sends."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(min_length=1, max_length=100)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    merchant_id: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: frozenset[Scope]

    @field_validator("sha256", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


class ApiKeySettings(ProcessSettings):
    """Who may call the HTTP APIs: API_KEYS is a JSON list of `ApiKey`."""

    api_keys: Annotated[tuple[ApiKey, ...], NoDecode]

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            # "from None": the cause holds the whole document.
            raise ValueError(f"is not JSON: {error.msg} at character {error.pos}") from None

    @field_validator("api_keys")
    @classmethod
    def _check(cls, keys: tuple[ApiKey, ...], info: ValidationInfo) -> tuple[ApiKey, ...]:
        ids = [key.id for key in keys]
        if len(set(ids)) != len(ids):
            raise ValueError("has the same id twice")
        if len({key.sha256 for key in keys}) != len(keys):
            raise ValueError("has the same key twice")
        if info.data.get("app_env") == "production" and any(k.sha256 == DEVELOPMENT_KEY_SHA256 for k in keys):
            raise ValueError("holds the development key, which APP_ENV=production refuses")
        return keys

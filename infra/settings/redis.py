"""Redis or Valkey."""

import re
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from infra.settings.process import ProcessSettings

_REDIS_URL = re.compile(r"^(rediss?|unix)://")


class RedisSettings(ProcessSettings):
    """Redis or Valkey: a fast path that may be lost at any time."""

    redis_url: SecretStr
    redis_timeout_ms: Annotated[int, Field(ge=1)] = 200

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        if not _REDIS_URL.match(value.get_secret_value()):
            raise ValueError("must be like redis://host:6379/0, rediss://... or unix://...")
        return value

"""Redis or Valkey."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from infra.settings.tls import RedisTlsSettings

_REDIS_URL = re.compile(r"^(rediss?|unix)://")


def _check_redis_url(value: SecretStr) -> SecretStr:
    if not _REDIS_URL.match(value.get_secret_value()):
        raise ValueError("must be like redis://host:6379/0, rediss://... or unix://...")
    return value


RedisUrl = Annotated[SecretStr, AfterValidator(_check_redis_url)]


class RedisSettings(RedisTlsSettings):
    """Redis or Valkey: a fast path that may be lost at any time."""

    redis_url: RedisUrl
    redis_timeout_ms: Annotated[int, Field(ge=1)] = 200


class OptionalRedisSettings(RedisTlsSettings):
    """The same for a process that does without: it counts requests alone then."""

    redis_url: RedisUrl | None = None
    redis_timeout_ms: Annotated[int, Field(ge=1)] = 200

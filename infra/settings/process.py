"""What every process has, and the refusal of example secrets in production."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Those that .env.example, docker-compose.yml and `make run` have, which anybody can read there. A part of them tells.
_EXAMPLES = re.compile(
    r"change[-_ ]?me|example|placeholder|your[-_](?:secret|password|key)|development-only"
    r"|paystream[-_]sandbox|of_somebody_else",
    re.IGNORECASE,
)
_POSTGRES = ("postgresql://", "postgres://")

Port = Annotated[int, Field(ge=0, le=65535)]


class ProcessSettings(BaseSettings):
    """What every process has."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, allow_inf_nan=False
    )

    app_env: Literal["development", "test", "production"] = "development"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    health_host: str = "127.0.0.1"
    health_port: Port = 0
    """0 takes any free port."""
    shutdown_grace_ms: Annotated[int, Field(ge=0)] = 8000
    """How long work in flight may take to finish after SIGTERM."""
    startup_timeout_s: Annotated[int, Field(ge=0)] = 300
    """How long a process that has just started waits for the database and Kafka, before it ends with what it waited for
    in its log. What was there once is waited for without a limit. 0: always without one."""
    process_niceness: Annotated[int, Field(ge=0, le=19)] = 0
    """How far this process stands back behind the others of its machine, as `nice` has it: for what works in the
    background beside the APIs."""
    http_head_timeout_ms: Annotated[int, Field(ge=100)] = 10_000
    """How long a request's line and headers may take to arrive."""
    http_body_timeout_ms: Annotated[int, Field(ge=100)] = 30_000
    """How long its body may take after that."""
    http_write_timeout_ms: Annotated[int, Field(ge=100)] = 30_000
    """How long a client may leave what it is sent unread."""
    http_max_connections: Annotated[int, Field(ge=1)] = 2000
    """Of one process; never more than its open files allow."""
    http_max_connections_per_address: Annotated[int, Field(ge=1)] = 1000
    """Behind a proxy, every connection has the proxy's address."""

    otel_exporter_otlp_endpoint: str | None = None
    """A collector of OpenTelemetry's, over HTTP: traces go there. None: no traces are made."""
    trace_sampling_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of traces that are kept; those that a caller began are kept as the caller says."""

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("*")
    @classmethod
    def _no_example_in_production(cls, value: object, info: ValidationInfo) -> object:
        """Refuse the secrets of examples: every reader of the repository knows them."""
        if info.data.get("app_env") == "production":
            for secret in value if isinstance(value, tuple) else (value,):
                if isinstance(secret, SecretStr) and _EXAMPLES.search(_secret_part(secret.get_secret_value())):
                    raise ValueError("is a secret out of an example, which APP_ENV=production refuses")
        return value


def _secret_part(value: str) -> str:
    """Return the password of an address: its host and database may have any name. Else, the value."""
    from psycopg import ProgrammingError  # noqa: PLC0415 - not every process has a database
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    if "://" in value and not value.startswith(_POSTGRES):
        return urlsplit(value).password or ""
    if value.startswith(_POSTGRES) or "=" in value:
        try:
            return str(conninfo_to_dict(value).get("password") or "")
        except ProgrammingError:
            return value
    return value

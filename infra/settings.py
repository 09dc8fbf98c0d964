"""Settings of every process, from the environment and a `.env` file: the only reader of the environment.

Each mixin holds what one dependency needs; a process declares `class RelaySettings(DatabaseSettings,
KafkaSettings)`. A field is read from the variable of the same name in capitals: `database_url` from
DATABASE_URL. An empty variable counts as not set.
"""

import json
import re
import sys
from typing import Annotated, Literal, TypeVar, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from infra.fallback import fallback
from infra.validation import message_of

# sha256("sk_dev_paystream"): the key that the README prints, so it must never open a production deployment.
DEVELOPMENT_KEY_SHA256 = "c54bdf1d9ff09f32de9a6e9b699eecd23a4fe37275cd41b61e59afab53652d85"

Scope = Literal["payments:write", "payments:read", "finance:write", "finance:read"]
"""What an API key may be for."""

# Those that .env.example, docker-compose.yml and `make run` have, which anybody can read there. A part of them tells.
_EXAMPLES = re.compile(
    r"change[-_ ]?me|example|placeholder|your[-_](?:secret|password|key)|development-only"
    r"|paystream[-_]sandbox|of_somebody_else",
    re.IGNORECASE,
)
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}")

# https://docs.stripe.com/keys: a key of an organization (sk_org_) says nothing of the account that it acts for.
_LIVE_KEYS = ("sk_live_", "rk_live_")
_TEST_KEYS = ("sk_test_", "rk_test_")

_POSTGRES = ("postgresql://", "postgres://")
_REDIS_URL = re.compile(r"^(rediss?|unix)://")

_HINT = "Settings are described in .env.example; `make run` needs none."

STRIPE_CALL_MARGIN_MS = 2_000

S = TypeVar("S", bound=BaseSettings)
Port = Annotated[int, Field(ge=0, le=65535)]


def _check_postgres_url(value: SecretStr) -> SecretStr:
    from psycopg import ProgrammingError  # noqa: PLC0415 - not every process has a database
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        conninfo_to_dict(value.get_secret_value())
    except ProgrammingError:
        # "from None": libpq repeats a part of the value.
        raise ValueError("must be like postgresql://user:password@host:5432/database") from None
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


PostgresUrl = Annotated[SecretStr, AfterValidator(_check_postgres_url)]
"""A URL, or keywords: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING."""


class ProcessSettings(BaseSettings):
    """What every process has."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    app_env: Literal["development", "test", "production"] = "development"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    health_host: str = "127.0.0.1"
    health_port: Port = 0
    """0 takes any free port."""
    shutdown_grace_ms: Annotated[int, Field(ge=0)] = 8000
    """How long work in flight may take to finish after SIGTERM."""
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

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("*")
    @classmethod
    def _no_example_in_production(cls, value: object, info: ValidationInfo) -> object:
        """Refuse the secrets that examples have: whoever reads the repository knows them."""
        if info.data.get("app_env") == "production":
            for secret in value if isinstance(value, tuple) else (value,):
                if isinstance(secret, SecretStr) and _EXAMPLES.search(_secret_part(secret.get_secret_value())):
                    raise ValueError("is a secret out of an example, which APP_ENV=production refuses")
        return value


class DatabaseSettings(ProcessSettings):
    """The event store's database, read and written."""

    database_url: PostgresUrl
    database_pool_size: Annotated[int, Field(ge=1, le=500)] = 10


class AppendSettings(DatabaseSettings):
    """What is appended for others, whose size nobody knows before."""

    event_max_bytes: Annotated[int, Field(ge=10_000)] = 900_000
    """The largest event that is recorded: the topics' max.message.bytes (1048588 by default) less a margin for headers.
    What Kafka refuses would be missing in the topic."""


class ReadDatabaseSettings(ProcessSettings):
    """The read model's database, through a role that can only read."""

    read_database_url: PostgresUrl
    read_database_pool_size: Annotated[int, Field(ge=1, le=500)] = 10


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


class KafkaSecuritySettings(ProcessSettings):
    """How to come to a Kafka cluster that asks for TLS or a login."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, Field(validate_default=True)
    ] = None
    kafka_sasl_username: Annotated[str | None, Field(validate_default=True)] = None
    kafka_sasl_password: Annotated[SecretStr | None, Field(validate_default=True)] = None
    kafka_ssl_ca_file: FilePath | None = None
    """PEM: who may have signed the brokers' certificates. None: those that the machine trusts."""
    kafka_ssl_cert_file: FilePath | None = None
    """PEM: our own certificate, for brokers that ask for one."""
    kafka_ssl_key_file: Annotated[FilePath | None, Field(validate_default=True)] = None
    """PEM: its private key."""
    kafka_ssl_key_password: SecretStr | None = None

    @field_validator("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password")
    @classmethod
    def _as_sasl_needs(cls, value: object, info: ValidationInfo) -> object:
        protocol = _needed_for(value, info, "SASL_")
        if value is None and protocol.startswith("SASL_"):
            raise ValueError(f"must be set when KAFKA_SECURITY_PROTOCOL={protocol}")
        return value

    @field_validator("kafka_sasl_mechanism")
    @classmethod
    def _not_in_the_clear(cls, value: str | None, info: ValidationInfo) -> str | None:
        protocol, environment = info.data.get("kafka_security_protocol"), info.data.get("app_env")
        if (value, protocol, environment) == ("PLAIN", "SASL_PLAINTEXT", "production"):
            raise ValueError(
                "must not be PLAIN when APP_ENV=production: SASL_PLAINTEXT shows the password to the network"
            )
        return value

    @field_validator("kafka_ssl_ca_file", "kafka_ssl_cert_file", "kafka_ssl_key_file", "kafka_ssl_key_password")
    @classmethod
    def _as_tls_needs(cls, value: object, info: ValidationInfo) -> object:
        _needed_for(value, info, "SSL")
        return value

    @field_validator("kafka_ssl_key_file")
    @classmethod
    def _with_certificate(cls, value: FilePath | None, info: ValidationInfo) -> FilePath | None:
        if (value is None) != (info.data.get("kafka_ssl_cert_file") is None):
            raise ValueError("goes together with KAFKA_SSL_CERT_FILE: set both or none")
        return value

    @field_validator("kafka_ssl_key_password")
    @classmethod
    def _with_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("kafka_ssl_key_file") is None:
            raise ValueError("is of no use without KAFKA_SSL_KEY_FILE")
        return value


def _needed_for(value: object, info: ValidationInfo, part: str) -> str:
    """Return the protocol. A value that it would silently ignore is an error: the protocol was forgotten."""
    protocol = str(info.data.get("kafka_security_protocol", ""))
    if value is not None and protocol and part not in protocol:
        raise ValueError(f"is of no use with KAFKA_SECURITY_PROTOCOL={protocol}")
    return protocol


class KafkaSettings(KafkaSecuritySettings):
    """The Kafka cluster."""

    kafka_bootstrap_servers: Annotated[str, Field(min_length=1)]
    """Comma-separated host:port list."""
    kafka_transactions: bool = True
    """False for a broker without transactions: delivery is then at least once, and consumers drop repeats."""
    kafka_fetch_max_wait_ms: Annotated[int, Field(ge=1)] = 500
    """10 to 20 with the embedded broker, which answers empty polls only after about half of this."""
    kafka_topic_partitions: Annotated[int, Field(ge=1)] = 12
    kafka_replication_factor: Annotated[int, Field(ge=1)] = 1
    kafka_request_timeout_ms: Annotated[int, Field(ge=100)] = 10_000
    kafka_session_timeout_ms: Annotated[int, Field(ge=1000)] = 6000
    """How soon a killed consumer's partitions go to another. 6000 is the least that Kafka takes by default; the
    embedded broker takes less, and lets a member join only after half of it."""
    kafka_check_crcs: bool = True
    """False only for librdkafka's mock cluster, which sends wrong checksums."""


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone of the IANA time zone database. Raises ValueError: names like ../x and folders are none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a name like Europe/Berlin or UTC") from None


class ReconciliationDaySettings(ProcessSettings):
    """When a day of the reconciliation begins and ends."""

    reconciliation_time_zone: str = "UTC"
    """In which a day begins and ends, and the schedule is meant: a name of the IANA time zone database."""

    @field_validator("reconciliation_time_zone")
    @classmethod
    def _known_time_zone(cls, value: str) -> str:
        zone_named(value)
        return value


class StripeSettings(ProcessSettings):
    """Stripe, or its sandbox when `stripe_api_base` says so."""

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
    """What Stripe sends to us: who may have signed it. Its mode, test or live, must be that of the key."""

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


def load_settings(cls: type[S]) -> S:
    """Read the settings, or print one line per missing or wrong variable to stderr and exit with code 2.

    The lines never hold a value: it may be a secret.
    """
    try:
        return read_settings(cls)
    except ValidationError as error:
        for line in explain(error):
            print(line, file=sys.stderr)  # noqa: T201 - logging does not exist yet
        if any(detail["type"] == "missing" for detail in error.errors(include_input=False)):
            print(_HINT, file=sys.stderr)  # noqa: T201 - the same
            if hint := fallback().hint:
                print(hint, file=sys.stderr)  # noqa: T201 - the same
    raise SystemExit(2)


def read_settings(cls: type[S]) -> S:
    """Read the settings: the environment first, then `.env`, then what a command falls back on.

    Raises pydantic's ValidationError.
    """
    found = fallback().variables
    if not found:
        return cls()
    given = {name.lower(): value for name, value in found.items()}

    def sources(
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        **_: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, InitSettingsSource(settings_cls, given)

    members = {"settings_customise_sources": staticmethod(sources), "__module__": __name__}
    return cast("type[S]", type(cls.__name__, (cls,), members))()


def explain(error: ValidationError) -> list[str]:
    """Return one line per missing or wrong variable, sorted; never a value, which may be a secret."""
    return sorted(map(_explain, error.errors(include_input=False, include_url=False, include_context=False)))


def _explain(detail: ErrorDetails) -> str:
    name, *rest = detail["loc"] or ("settings",)
    variable = str(name).upper()
    if detail["type"] == "missing" and not rest:
        return f"{variable} is not set"
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
    message = message_of(detail)
    return f"{variable}{where}: {message[:1].lower()}{message[1:]}"

"""Encrypted connections to PostgreSQL and Redis: settings of their own, which become a part of each address.

So whoever connects by an address is encrypted, and what an address says by itself comes first. Kafka's are in `kafka`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import Field, FilePath, SecretStr, ValidationInfo, field_validator

from infra.settings.process import ProcessSettings

_POSTGRES = ("postgresql://", "postgres://")
POSTGRES_ADDRESSES = ("database_url", "database_direct_url")
"""How the names of settings end that are an address of PostgreSQL."""
_REDIS_VERIFY = {
    "full": {},
    "ca": {"ssl_check_hostname": "false"},
    "none": {"ssl_check_hostname": "false", "ssl_cert_reqs": "none"},
}


class PostgresTlsSettings(ProcessSettings):
    """How connections to PostgreSQL are encrypted, where an address does not say it itself."""

    database_ssl_mode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] | None = None
    """libpq's sslmode: https://www.postgresql.org/docs/current/libpq-ssl.html. None: verify-full with
    DATABASE_SSL_CA_FILE, else prefer."""
    database_ssl_ca_file: FilePath | None = None
    """PEM: who may have signed the server's certificate."""
    database_ssl_cert_file: FilePath | None = None
    """PEM: our own certificate, for a server that asks for one."""
    database_ssl_key_file: Annotated[FilePath | None, Field(validate_default=True)] = None
    """PEM: its private key, which nobody else may read."""

    @field_validator("database_ssl_ca_file", "database_ssl_cert_file", "database_ssl_key_file")
    @classmethod
    def _needs_tls(cls, value: FilePath | None, info: ValidationInfo) -> FilePath | None:
        if value is not None and info.data.get("database_ssl_mode") == "disable":
            raise ValueError("is of no use with DATABASE_SSL_MODE=disable")
        return value

    @field_validator("database_ssl_key_file")
    @classmethod
    def _database_key_with_certificate(cls, value: FilePath | None, info: ValidationInfo) -> FilePath | None:
        return _both(value, info, "database_ssl_cert_file")

    @field_validator("*")
    @classmethod
    def _in_postgres_address(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, SecretStr) or not str(info.field_name).endswith(POSTGRES_ADDRESSES):
            return value
        mode, authority = info.data.get("database_ssl_mode"), info.data.get("database_ssl_ca_file")
        given = {
            "sslmode": mode or (authority and "verify-full"),
            "sslrootcert": authority,
            "sslcert": info.data.get("database_ssl_cert_file"),
            "sslkey": info.data.get("database_ssl_key_file"),
        }
        parameters = {name: str(each) for name, each in given.items() if each is not None}
        return SecretStr(_postgres_with(value.get_secret_value(), parameters)) if parameters else value


class RedisTlsSettings(ProcessSettings):
    """How connections to Redis are encrypted, whose addresses begin with `rediss://`."""

    redis_ssl_verify: Literal["full", "ca", "none"] = "full"
    """What of the server's certificate: who signed it, and its name; ca: who signed it alone; none."""
    redis_ssl_ca_file: FilePath | None = None
    """PEM: who may have signed it. None: those that the machine trusts."""
    redis_ssl_cert_file: FilePath | None = None
    """PEM: our own certificate, for a server that asks for one."""
    redis_ssl_key_file: Annotated[FilePath | None, Field(validate_default=True)] = None
    """PEM: its private key."""

    @field_validator("redis_ssl_key_file")
    @classmethod
    def _redis_key_with_certificate(cls, value: FilePath | None, info: ValidationInfo) -> FilePath | None:
        return _both(value, info, "redis_ssl_cert_file")

    @field_validator("*")
    @classmethod
    def _in_redis_address(cls, value: object, info: ValidationInfo) -> object:
        if info.field_name not in {"redis_url", "redlock_urls"}:
            return value
        files = {
            "ssl_ca_certs": info.data.get("redis_ssl_ca_file"),
            "ssl_certfile": info.data.get("redis_ssl_cert_file"),
            "ssl_keyfile": info.data.get("redis_ssl_key_file"),
        }
        parameters = {name: str(each) for name, each in files.items() if each is not None}
        parameters |= _REDIS_VERIFY[info.data.get("redis_ssl_verify", "full")]
        if isinstance(value, SecretStr):
            return _redis_with(value, parameters)
        return tuple(_redis_with(each, parameters) for each in value) if isinstance(value, tuple) else value


def _both(value: FilePath | None, info: ValidationInfo, certificate: str) -> FilePath | None:
    if certificate in info.data and (value is None) != (info.data[certificate] is None):
        raise ValueError(f"goes together with {certificate.upper()}: set both or none")
    return value


def _postgres_with(address: str, parameters: Mapping[str, str]) -> str:
    """Return the address, a URL or keywords, with what it does not say itself."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415 - not every process has a database

    present = conninfo_to_dict(address)
    missing = {name: value for name, value in parameters.items() if name not in present}
    return _url_with(address, missing) if address.startswith(_POSTGRES) else make_conninfo(address, **missing)


def _redis_with(address: SecretStr, parameters: Mapping[str, str]) -> SecretStr:
    """Return the address with what it does not say itself. Raises ValueError for one that is not encrypted."""
    text = address.get_secret_value()
    if not parameters or text.startswith("unix://"):
        return address
    if not text.startswith("rediss://"):
        raise ValueError("must begin with rediss:// when REDIS_SSL_... is set: it would be used in the clear")
    present = parse_qs(urlsplit(text).query)
    return SecretStr(_url_with(text, {name: value for name, value in parameters.items() if name not in present}))


def _url_with(url: str, parameters: Mapping[str, str]) -> str:
    if not parameters:
        return url
    written = "&".join(f"{name}={quote(value, safe='/')}" for name, value in parameters.items())
    return f"{url}{'&' if '?' in url else '?'}{written}"

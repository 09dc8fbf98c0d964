"""What settings of TLS make of addresses, and which they refuse."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr, ValidationError

from infra.redis.redlock import RedlockSettings
from infra.settings.loading import explain
from infra.settings.postgres import MigrationSettings, ReadDatabaseSettings, SessionSettings

SECRET = "hunter2-very-secret"
URL = f"postgresql://app:{SECRET}@db.example:5432/pay"
REDIS = f"rediss://:{SECRET}@cache.example:6379/0"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / f"my {name}&.pem" for name in ("ca", "cert", "key")}
    for each in found.values():
        each.touch()
    return found


def database(**settings: Any) -> dict[str, str]:
    read = SessionSettings.model_validate({"database_url": URL, **settings})
    given = conninfo_to_dict(read.database_url.get_secret_value())
    return {name: str(value) for name, value in given.items() if str(name).startswith("ssl")}


def redis(**settings: Any) -> tuple[dict[str, str], ...]:
    read = RedlockSettings.model_validate({"redis_url": REDIS, **settings})
    return tuple(_query(each) for each in (read.redis_url, *read.redlock_urls))


def _query(url: SecretStr) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url.get_secret_value()).query).items()}


def refusal(settings: type[Any], **given: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        settings.model_validate(given)
    (line,) = explain(refused.value)
    assert SECRET not in line
    return line


def test_addresses_stay_as_they_are_when_nothing_is_set() -> None:
    settings = SessionSettings.model_validate({"database_url": URL})
    assert settings.database_url.get_secret_value() == URL
    assert RedlockSettings.model_validate({"redis_url": REDIS}).redis_url.get_secret_value() == REDIS


def test_an_authority_means_that_the_server_is_verified(files: dict[str, Path]) -> None:
    ours = {"database_ssl_cert_file": files["cert"], "database_ssl_key_file": files["key"]}
    assert database(database_ssl_ca_file=files["ca"], **ours) == {
        "sslmode": "verify-full",
        "sslrootcert": str(files["ca"]),
        "sslcert": str(files["cert"]),
        "sslkey": str(files["key"]),
    }
    assert database(database_ssl_mode="require") == {"sslmode": "require"}


def test_every_address_of_postgresql_is_meant(files: dict[str, Path]) -> None:
    tls = {"database_ssl_ca_file": files["ca"]}
    plain = f"host=db.example password={SECRET}"
    settings = SessionSettings.model_validate({"database_url": plain, "database_direct_url": URL, **tls})
    read = ReadDatabaseSettings.model_validate({"read_database_url": URL, **tls})
    owner = MigrationSettings.model_validate({"migration_database_url": URL, **tls})
    for each in (
        settings.database_url,
        settings.database_direct_url,
        read.read_database_url,
        owner.migration_database_url,
    ):
        assert each is not None
        given = conninfo_to_dict(each.get_secret_value())
        assert (given["sslmode"], given["sslrootcert"]) == ("verify-full", str(files["ca"]))
        assert given["password"] == SECRET


def test_what_an_address_says_itself_comes_first(files: dict[str, Path]) -> None:
    tls = {"database_ssl_ca_file": files["ca"], "database_ssl_mode": "verify-full"}
    assert database(database_url=f"{URL}?sslmode=verify-ca&sslrootcert=/own.pem", **tls) == {
        "sslmode": "verify-ca",
        "sslrootcert": "/own.pem",
    }
    own = f"{REDIS}?ssl_check_hostname=true"
    assert redis(redis_url=own, redis_ssl_verify="none")[0] == {"ssl_check_hostname": "true", "ssl_cert_reqs": "none"}


def test_every_address_of_redis_is_meant(files: dict[str, Path]) -> None:
    ours = {"redis_ssl_cert_file": files["cert"], "redis_ssl_key_file": files["key"]}
    expected = {
        "ssl_ca_certs": str(files["ca"]),
        "ssl_certfile": str(files["cert"]),
        "ssl_keyfile": str(files["key"]),
    }
    lists = redis(redlock_urls="rediss://a.example,rediss://b.example", redis_ssl_ca_file=files["ca"], **ours)
    assert lists == (expected, expected, expected)
    assert redis(redis_ssl_ca_file=files["ca"]) == ({"ssl_ca_certs": str(files["ca"])},) * 2
    assert redis(redis_ssl_verify="ca")[0] == {"ssl_check_hostname": "false"}


def test_what_would_be_used_in_the_clear_is_refused(files: dict[str, Path]) -> None:
    plain = REDIS.replace("rediss", "redis")
    line = refusal(RedlockSettings, redis_url=plain, redis_ssl_ca_file=files["ca"], redlock_urls=REDIS)
    assert line.startswith("REDIS_URL: must begin with rediss://")
    line = refusal(RedlockSettings, redis_url=REDIS, redis_ssl_ca_file=files["ca"], redlock_urls=plain)
    assert line.startswith("REDLOCK_URLS: must begin with rediss://")
    line = refusal(SessionSettings, database_url=URL, database_ssl_mode="disable", database_ssl_ca_file=files["ca"])
    assert line == "DATABASE_SSL_CA_FILE: is of no use with DATABASE_SSL_MODE=disable"


def test_a_socket_of_this_machine_needs_no_tls(files: dict[str, Path]) -> None:
    socket = "unix:///run/valkey.sock"
    assert redis(redis_url=socket, redis_ssl_ca_file=files["ca"]) == ({}, {})


@pytest.mark.parametrize("name", ["cert", "key"])
def test_a_certificate_needs_its_key(files: dict[str, Path], name: str) -> None:
    line = refusal(SessionSettings, database_url=URL, **{f"database_ssl_{name}_file": files[name]})
    assert line == "DATABASE_SSL_KEY_FILE: goes together with DATABASE_SSL_CERT_FILE: set both or none"
    line = refusal(RedlockSettings, redis_url=REDIS, **{f"redis_ssl_{name}_file": files[name]})
    assert line == "REDIS_SSL_KEY_FILE: goes together with REDIS_SSL_CERT_FILE: set both or none"


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    line = refusal(SessionSettings, database_url=URL, database_ssl_ca_file=tmp_path / "missing.pem")
    assert line.startswith("DATABASE_SSL_CA_FILE: path does not point to a file")

"""PostgreSQL over TLS as the settings say it: before the embedded server, and with one that was built with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.postgres.pool import DatabaseUnavailable, create_pool
from infra.settings.postgres import DatabaseSettings
from tests.support.certificates import LOCAL, Authority
from tests.support.database import Database
from tests.support.debian_postgres import USER, programs, tls_postgres
from tests.support.pgbouncer import through
from tests.support.tls_front import TlsFront, tls_front

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.direct_postgres]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def front(
    database: Database, authority: Authority, *, host: str = LOCAL, asks_clients: bool = False
) -> AsyncIterator[TlsFront]:
    clients_of = authority.file if asks_clients else None
    certificate = authority.certify("server", host=host)
    async with tls_front(database.server.port, certificate, clients_of=clients_of, asks_first=True) as running:
        yield running


async def ask(url: str, **settings: Any) -> None:
    """Ask something by a pool, as every process does. Raises DatabaseUnavailable."""
    given = DatabaseSettings.model_validate({"database_url": url, **settings})
    address = given.database_url.get_secret_value()
    async with create_pool(address, size=1, name="tls-test") as pool, pool.connection(timeout=3) as connection:
        await connection.execute("SELECT 1")


async def test_a_server_is_verified_by_its_authority_and_its_name(
    database: Database, authority: Authority, tmp_path: Path
) -> None:
    async with front(database, authority) as running:
        url = through(database.url("app"), running.port)
        await ask(url, database_ssl_ca_file=authority.file)
        stranger = Authority(tmp_path, "stranger")
        with pytest.raises(DatabaseUnavailable):
            await ask(url, database_ssl_ca_file=stranger.file)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            await psycopg.AsyncConnection.connect(_address(url, database_ssl_ca_file=stranger.file))


async def test_another_servers_certificate_passes_only_when_names_do_not_count(
    database: Database, authority: Authority
) -> None:
    async with front(database, authority, host="elsewhere.example") as running:
        url = through(database.url("app"), running.port)
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            await psycopg.AsyncConnection.connect(_address(url, database_ssl_ca_file=authority.file))
        await ask(url, database_ssl_ca_file=authority.file, database_ssl_mode="verify-ca")


async def test_a_certificate_of_ours_is_shown_to_who_asks(database: Database, authority: Authority) -> None:
    ours = authority.certify("paystream", host=None)
    async with front(database, authority, asks_clients=True) as running:
        url = through(database.url("app"), running.port)
        with pytest.raises(DatabaseUnavailable):
            await ask(url, database_ssl_ca_file=authority.file)
        await ask(
            url,
            database_ssl_ca_file=authority.file,
            database_ssl_cert_file=ours.certificate,
            database_ssl_key_file=ours.key,
        )
        assert "paystream" in running.subjects


async def test_a_server_without_tls_is_not_used_when_it_is_asked_for(database: Database) -> None:
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        await psycopg.AsyncConnection.connect(_address(database.url("app"), database_ssl_mode="require"))
    await ask(database.url("app"), database_ssl_mode="prefer")


@pytest.mark.skipif(programs() is None, reason="there is no PostgreSQL with TLS: apt-get install postgresql")
async def test_a_real_server_sees_an_encrypted_connection_and_who_it_is(authority: Authority) -> None:
    ours = authority.certify("paystream", host=None)
    async with tls_postgres(authority.certify("server"), authority.file) as port:
        url = f"postgresql://{USER}@{LOCAL}:{port}/postgres"
        files = {"database_ssl_cert_file": ours.certificate, "database_ssl_key_file": ours.key}
        address = _address(url, database_ssl_ca_file=authority.file, **files)
        async with await psycopg.AsyncConnection.connect(address) as connection:
            seen = await connection.execute(
                "SELECT ssl, version, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            )
            assert await seen.fetchone() == (True, "TLSv1.3", "/CN=paystream")
        with pytest.raises(psycopg.OperationalError, match="certificate"):
            await psycopg.AsyncConnection.connect(_address(url, database_ssl_ca_file=authority.file))
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            await psycopg.AsyncConnection.connect(_address(url, database_ssl_mode="disable"))


def _address(url: str, **settings: Any) -> str:
    given = DatabaseSettings.model_validate({"database_url": url, **settings})
    return given.database_url.get_secret_value()

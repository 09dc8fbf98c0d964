"""PostgreSQL, Valkey and the broker, one by one."""

import signal
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.embedded.broker import Broker
from infra.embedded.component import Component
from infra.embedded.databases import create_database, drop_database, is_migrated, migrate
from infra.embedded.errors import DataUnusable, EmbeddedError, PortInUse, StartFailed
from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import free_port
from infra.embedded.postgres import PostgresServer
from infra.embedded.valkey import ValkeyServer
from infra.kafka.topics import create_topics
from infra.settings.kafka import KafkaSettings
from schemas.topics import TopicDeclaration
from tests.integration.infra.embedded.components import alive

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home") as home:
        yield home


async def started(component: Component) -> Component:
    await component.start()
    await component.wait_ready()
    return component


@pytest.fixture
async def postgres(home: Home) -> AsyncIterator[PostgresServer]:
    server = PostgresServer(home, port=free_port(), passwords=load_or_create(home), fsync=False)
    await started(server)
    yield server
    await server.stop()


@pytest.fixture
async def valkey(home: Home) -> AsyncIterator[ValkeyServer]:
    server = ValkeyServer(home, port=free_port(), password="secret")
    await started(server)
    yield server
    await server.stop()


@pytest.fixture
async def broker(home: Home) -> AsyncIterator[Broker]:
    server = Broker(home, port=free_port())
    await started(server)
    yield server
    await server.stop()


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


class TestPostgres:
    async def test_answers_to_the_owner_with_the_password(self, postgres: PostgresServer) -> None:
        url = postgres.url(database="postgres")
        assert ask(url, "SELECT current_user") == "paystream_owner"
        assert ask(url, "SHOW server_encoding") == "UTF8"

    async def test_refuses_a_wrong_password(self, postgres: PostgresServer) -> None:
        url = f"postgresql://paystream_owner:guess@{postgres.address}/postgres"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            ask(url, "SELECT 1")

    async def test_listens_on_this_machine_only(self, postgres: PostgresServer) -> None:
        assert ask(postgres.url(database="postgres"), "SHOW listen_addresses") == "127.0.0.1"

    async def test_is_durable_unless_told_otherwise(self, home: Home) -> None:
        server = PostgresServer(home, port=free_port(), passwords=load_or_create(home))
        await started(server)
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert ask(server.url(database="postgres"), f"SHOW {setting}") == "on"
        finally:
            await server.stop()

    async def test_what_was_committed_survives_sigkill_and_a_start_on_the_same_port(
        self, postgres: PostgresServer
    ) -> None:
        url = postgres.url(database="postgres")
        ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        with psycopg.connect(url):  # a connection that is open when the server dies
            postgres.kill()
            assert not postgres.running
            await started(postgres)
        assert ask(url, "SELECT answer FROM kept") == 42

    async def test_data_and_passwords_survive_a_stop(self, postgres: PostgresServer, home: Home) -> None:
        ask(postgres.url(database="postgres"), "CREATE TABLE kept AS SELECT 42 AS answer")
        await postgres.stop()
        again = PostgresServer(home, port=free_port(), passwords=load_or_create(home), fsync=False)
        await started(again)
        try:
            assert ask(again.url(database="postgres"), "SELECT answer FROM kept") == 42
        finally:
            await again.stop()

    async def test_runs_without_privileges_though_only_its_user_can_reach_the_folder(
        self, home: Home, postgres: PostgresServer
    ) -> None:
        closed = home.path.parent
        closed.chmod(0o700)
        await postgres.restart()
        assert postgres.pid is not None
        assert user_of(postgres.pid) != 0
        assert postgres.data.stat().st_uid == user_of(postgres.pid)
        assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700

    async def test_ends_in_good_order(self, postgres: PostgresServer) -> None:
        pid = postgres.pid
        assert pid is not None
        await postgres.stop()
        assert not alive(pid)
        assert postgres.exit_code == 0
        assert "database system is shut down" in postgres.log.read_text()

    async def test_a_half_made_data_folder_is_made_anew(self, home: Home) -> None:
        left = home.path / "postgres.new"
        left.mkdir()
        (left / "PG_VERSION").write_text("18\n")
        server = PostgresServer(home, port=free_port(), passwords=load_or_create(home), fsync=False)
        await started(server)
        await server.stop()
        assert not left.exists()

    async def test_migrating_makes_the_logins_and_is_quick_the_second_time(self, postgres: PostgresServer) -> None:
        assert await migrate(postgres) is True
        assert await is_migrated(postgres.url())
        assert await migrate(postgres) is False
        for login in ("paystream_app_login", "paystream_projector_login", "paystream_query_login"):
            group = login.removesuffix("_login")
            member = f"SELECT pg_has_role(current_user, '{group}', 'MEMBER')"
            assert ask(postgres.url(login), member) is True

    async def test_a_copy_of_a_template_has_what_the_template_has(self, postgres: PostgresServer) -> None:
        template = await create_database(postgres, "template")
        ask(template, "CREATE TABLE thing AS SELECT 1 AS x")
        copy = await create_database(postgres, "copy", template="template")
        assert ask(copy, "SELECT x FROM thing") == 1
        with psycopg.connect(copy):
            await drop_database(postgres, "copy")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            ask(copy, "SELECT 1")


class TestPostgresRefuses:
    async def refused(self, server: PostgresServer) -> str:
        with pytest.raises(EmbeddedError) as refusal:
            await started(server)
        assert not server.running
        return str(refusal.value)

    async def test_data_of_another_major_version(self, postgres: PostgresServer) -> None:
        await postgres.stop()
        (postgres.data / "PG_VERSION").write_text("17\n")
        message = await self.refused(postgres)
        assert "was made by PostgreSQL 17, and this is PostgreSQL 18" in message
        assert "PAYSTREAM_HOME" in message

    async def test_a_folder_that_is_no_data(self, home: Home) -> None:
        passwords = load_or_create(home)
        (home.path / "postgres").mkdir()
        server = PostgresServer(home, port=free_port(), passwords=passwords)
        assert "has no PG_VERSION" in await self.refused(server)

    @pytest.mark.parametrize("content", [b"", b"\0\0\xff"])
    async def test_data_whose_version_is_lost(self, home: Home, content: bytes) -> None:
        passwords = load_or_create(home)
        (home.path / "postgres").mkdir()
        (home.path / "postgres" / "PG_VERSION").write_bytes(content)
        message = await self.refused(PostgresServer(home, port=free_port(), passwords=passwords))
        assert message.startswith("PostgreSQL's data is damaged: ")
        assert "to begin anew" in message

    async def test_damaged_data(self, postgres: PostgresServer) -> None:
        await postgres.stop()
        (postgres.data / "global" / "pg_control").write_bytes(b"\0" * 8192)
        message = await self.refused(postgres)
        assert message.startswith("PostgreSQL does not start: ")
        assert str(postgres.data) in message
        assert "Restore it from a copy" in message

    async def test_lost_passwords(self, postgres: PostgresServer, home: Home) -> None:
        await postgres.stop()
        (home.path / "secrets.json").write_text("{")
        with pytest.raises(DataUnusable, match="Restore that file"):
            load_or_create(home)

    async def test_a_port_in_use(self, postgres: PostgresServer, tmp_path: Path) -> None:
        with Home(tmp_path / "other") as other:
            server = PostgresServer(other, port=postgres.port, passwords=load_or_create(other), fsync=False)
            with pytest.raises(PortInUse, match=f"its port {postgres.port} is in use"):
                await started(server)


class TestValkey:
    async def test_answers_with_the_password_only(self, valkey: ValkeyServer) -> None:
        with redis.Redis.from_url(valkey.url) as client:
            assert client.set("key", "value")
        with (
            redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("key")

    async def test_reads_its_settings_in_a_folder_whose_name_looks_like_a_pattern(self, tmp_path: Path) -> None:
        with Home(tmp_path / "a[b]*?") as home:
            server = ValkeyServer(home, port=free_port(), password="secret")
            await started(server)
            try:
                with redis.Redis.from_url(server.url) as client:
                    assert client.config_get("requirepass") == {"requirepass": "secret"}
                    assert client.config_get("bind") == {"bind": "127.0.0.1"}
                    assert client.config_get("save") == {"save": ""}
            finally:
                await server.stop()

    async def test_a_settings_file_that_cannot_be_written_is_named(self, home: Home) -> None:
        (home.path / "valkey" / "valkey.conf").mkdir(parents=True)
        server = ValkeyServer(home, port=free_port(), password="secret")
        with pytest.raises(StartFailed, match=r"Valkey cannot be started: Is a directory .*valkey\.conf"):
            await server.start()

    async def test_flush_removes_every_key(self, valkey: ValkeyServer) -> None:
        with redis.Redis.from_url(valkey.url) as client:
            client.set("key", "value")
            await valkey.flush()
            assert client.get("key") is None

    async def test_comes_back_on_the_same_port_after_sigkill(self, valkey: ValkeyServer) -> None:
        first = valkey.pid
        valkey.kill()
        await started(valkey)
        assert valkey.pid != first
        with redis.Redis.from_url(valkey.url) as client:
            assert client.ping()

    async def test_does_not_take_another_server_on_its_port_for_itself(
        self, valkey: ValkeyServer, tmp_path: Path
    ) -> None:
        impostor = ValkeyServer(Home(tmp_path / "other"), port=valkey.port, password="another")
        assert await impostor.is_ready() is False


class TestBroker:
    async def test_carries_messages_and_forgets_them_when_it_is_killed(self, broker: Broker) -> None:
        await self.send(broker, b"first")
        assert await self.receive(broker) == b"first"
        broker.kill()
        await started(broker)
        await self.send(broker, b"second")
        assert await self.receive(broker) == b"second"

    async def test_does_not_take_our_settings_file_for_its_own(self, home: Home, tmp_path: Path) -> None:
        example = Path(__file__).parents[4] / ".env.example"
        (tmp_path / ".env").write_text(example.read_text("utf-8"))  # as beside the home of `make run`
        server = Broker(home, port=free_port())
        try:
            await started(server)
        finally:
            await server.stop()

    async def test_ends_when_asked(self, broker: Broker) -> None:
        pid = broker.pid
        assert pid is not None
        await broker.stop()
        assert not alive(pid)
        assert broker.exit_code in {0, -signal.SIGTERM}

    async def send(self, broker: Broker, value: bytes) -> None:
        topic = TopicDeclaration(name="topic", partitions=1, replication_factor=1)
        await create_topics(KafkaSettings(kafka_bootstrap_servers=broker.address), [topic])
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            await producer.send_and_wait("topic", value)

    async def receive(self, broker: Broker) -> bytes | None:
        consumer = AIOKafkaConsumer("topic", bootstrap_servers=broker.address, auto_offset_reset="earliest")
        async with consumer:
            message = await consumer.getone()
            assert isinstance(message.value, bytes)
            return message.value

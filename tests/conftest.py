"""Fixtures of every suite: real servers, started by the session that needs them."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from event_store.store import Connection
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.postgres import PostgresServer
from infra.embedded.stack import Stack
from tests.support.brokers import (
    APACHE,
    EMBEDDED,
    LentBroker,
    choose_broker,
    chosen_broker,
    on_apache,
    select_for_broker,
)
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.kafka import apache_kafka, embedded_broker, fresh_topics
from tests.support.system import System

_NOT_RUN = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "the broker for tests that need one: embedded (default; no Java), or apache (real Kafka)"
    parser.addoption("--broker", choices=(EMBEDDED, APACHE), default=EMBEDDED, help=text)


def pytest_configure(config: pytest.Config) -> None:
    choose_broker(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[_NOT_RUN] = select_for_broker(config, items)
    # Those on the session's whole system last: its processes take half a core while they wait for something to do.
    items.sort(key=lambda item: "session_stack" in getattr(item, "fixturenames", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not_run := config.stash.get(_NOT_RUN, 0):
        terminalreporter.write_line(f"{not_run} tests need real Kafka and did not run here: make test-kafka")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    """The session's PostgreSQL."""
    async with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest_asyncio.fixture
async def database(session_postgres: PostgresServer) -> AsyncIterator[Database]:
    """A migrated database for one test."""
    async with fresh_database(session_postgres) as lent:
        yield lent


@pytest_asyncio.fixture
async def app(database: Database) -> AsyncIterator[Connection]:
    """A connection of the application's role, not in autocommit."""
    async with await psycopg.AsyncConnection.connect(database.url("app")) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def apache_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KafkaCluster]:
    """The session's real Kafka, of one node. Tests that want it empty begin with `fresh_topics`."""
    async with apache_kafka(tmp_path_factory.mktemp("apache-kafka")) as cluster:
        yield cluster


@pytest.fixture
def _kafka_if_chosen(request: pytest.FixtureRequest) -> KafkaCluster | None:
    return request.getfixturevalue("apache_cluster") if on_apache() else None


@pytest_asyncio.fixture
async def lent_broker(
    _kafka_if_chosen: KafkaCluster | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LentBroker]:
    """An empty broker of the chosen kind, which the test may kill and wipe."""
    if _kafka_if_chosen is None:
        async with embedded_broker(tmp_path_factory.mktemp("broker")) as broker:
            yield LentBroker(part=broker)
    else:
        (node,) = _kafka_if_chosen.nodes
        if not node.running:
            await node.restart()
        lent = LentBroker(part=node)
        await fresh_topics(lent.settings())
        yield lent


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole system, once for all tests that leave it as they found it: running."""
    async with Stack(tmp_path_factory.mktemp("system"), fsync=False, broker=chosen_broker()) as stack:
        yield stack


@pytest_asyncio.fixture
async def system(session_stack: Stack) -> AsyncIterator[System]:
    """Clients of the session's system."""
    clients = System(session_stack)
    yield clients
    await clients.close()

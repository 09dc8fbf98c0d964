"""Fixtures of every suite: real servers, started by the session that needs them."""

import gc
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
import structlog
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from event_store.store import Connection
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.postgres import PostgresServer
from infra.embedded.stack import Stack
from infra.embedded.valkey import ValkeyServer
from tests.support import failure_report, hypothesis_profiles, kubernetes_manifests, pgbouncer, pooled, workers
from tests.support.brokers import (
    APACHE,
    EMBEDDED,
    LentBroker,
    choose_broker,
    needs_broker,
    on_apache,
    select_for_broker,
)
from tests.support.database import Database, fresh_database, postgres_server
from tests.support.kafka import apache_kafka, embedded_broker, fresh_topics
from tests.support.shared_system import SharedSystem
from tests.support.system import System
from tests.support.valkey import emptied, valkey_server

_QUICK_SUITES = ("unit", "integration")
_NOT_RUN = pytest.StashKey[int]()
_SHARED_SYSTEM = pytest.StashKey[SharedSystem]()
_REPORTED_NOT_RUN = "not_run"
_NOT_CHECKED = "NOT CHECKED"
"""How a reason begins that is to be read at the end: a program is not on this machine."""
_PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "the broker for tests that need one: embedded (default; no Java), or apache (real Kafka)"
    parser.addoption("--broker", choices=(EMBEDDED, APACHE), default=EMBEDDED, help=text)
    text = "the pools of the session's PostgreSQL go through a real PgBouncer in transaction mode"
    parser.addoption(pooled.OPTION, action="store_true", help=text)
    text = "only unit tests, and integration tests that need no broker and are not marked as slow"
    parser.addoption("--quick", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    workers.begin(config)
    choose_broker(config)
    pooled.begin(config)
    hypothesis_profiles.register()
    failure_report.watch_parts()
    # Structlog's default draws each traceback with all local values, which takes it a second.
    structlog.configure([*structlog.get_config()["processors"][:-1], _PLAIN])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()  # what is imported stays: to look through it again and again takes a third of the time
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    workers.end(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return workers.workers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    workers.brief(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return workers.Scheduling(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read the files that have no quick test."""
    is_suite = collection_path.parent == Path(__file__).parent and collection_path.is_dir()
    return True if config.getoption("quick") and is_suite and collection_path.name not in _QUICK_SUITES else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("quick"):
        config.hook.pytest_deselected(items=[item for item in items if not _is_quick(item)])
        items[:] = filter(_is_quick, items)
    pooled.select(config, items)
    config.stash[_NOT_RUN] = select_for_broker(config, items)
    workers.spread(config, items)


def _is_quick(item: pytest.Item) -> bool:
    return item.nodeid.startswith("tests/unit/") or (not needs_broker(item) and item.get_closest_marker("slow") is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output[_REPORTED_NOT_RUN] = session.config.stash.get(_NOT_RUN, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    node.config.stash[_NOT_RUN] = getattr(node, "workeroutput", {}).get(_REPORTED_NOT_RUN, 0)


def pytest_runtest_setup() -> None:
    failure_report.begin_test()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    try:
        return (yield)
    finally:
        shared = item.config.stash.get(_SHARED_SYSTEM, None)
        if shared is not None and (nextitem is None or not workers.on_shared_system(nextitem)):
            shared.end()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    # Python 3.11 fails to parse the source that a traceback shows when memory is tidied up meanwhile (gh-106905).
    gc.disable()
    try:
        report = yield
    finally:
        gc.enable()
    if report.failed:
        report.sections.append(("Where to look", failure_report.where_to_look(item.config)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"order of the tests: --randomly-seed={config.getoption('randomly_seed', None)}")
    for skipped in terminalreporter.stats.get("skipped", ()):
        if _NOT_CHECKED in (report := str(skipped.longrepr)):
            terminalreporter.write_line(report[report.index(_NOT_CHECKED) :].rstrip("')"))
    if not_run := config.stash.get(_NOT_RUN, 0):
        terminalreporter.write_line(f"{not_run} tests need real Kafka and did not run here: make test-kafka")
    if reason := kubernetes_manifests.lacking():
        terminalreporter.write_line(f"KUBERNETES MANIFESTS NOT CHECKED: {reason}")
    if reason := pgbouncer.lacking():
        terminalreporter.write_line(f"NOT TESTED BEHIND PGBOUNCER: {reason}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_postgres(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> AsyncIterator[PostgresServer]:
    """The session's PostgreSQL."""
    async with (
        postgres_server(tmp_path_factory.mktemp("postgres")) as server,
        pooled.before(server, tmp_path_factory.mktemp("pgbouncer"), pytestconfig),
    ):
        yield server


@pytest_asyncio.fixture
async def database(session_postgres: PostgresServer) -> AsyncIterator[Database]:
    """A migrated database for one test."""
    async with fresh_database(session_postgres) as lent:
        yield lent


@pytest_asyncio.fixture
async def app(database: Database) -> AsyncIterator[Connection]:
    """A connection of the application's role, not in autocommit."""
    patient = "-c idle_in_transaction_session_timeout=60s"  # longer than a process may be: a test stops to think
    async with await psycopg.AsyncConnection.connect(database.url("app"), options=patient) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyServer]:
    """The session's Valkey."""
    async with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest_asyncio.fixture
async def valkey(session_valkey: ValkeyServer) -> ValkeyServer:
    """An empty Valkey; a test may stop it."""
    return await emptied(session_valkey)


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
            yield LentBroker(component=broker)
    else:
        (node,) = _kafka_if_chosen.nodes
        lent = LentBroker(component=node)
        await fresh_topics(lent.settings())
        yield lent
        if lent.killed or not node.running:  # other tests take it as it is
            await node.restart()


@pytest.fixture(scope="session")
def shared_system(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[SharedSystem]:
    """The session's system, which does not run yet."""
    shared = request.config.stash[_SHARED_SYSTEM] = SharedSystem(tmp_path_factory.mktemp("system"))
    yield shared
    shared.end()


@pytest_asyncio.fixture
async def session_stack(shared_system: SharedSystem) -> Stack:
    """The whole system, once for all tests that leave it as they found it: running."""
    return await shared_system.stack()


@pytest_asyncio.fixture
async def system(session_stack: Stack) -> AsyncIterator[System]:
    """Clients of the session's system."""
    clients = System(session_stack)
    yield clients
    await clients.close()

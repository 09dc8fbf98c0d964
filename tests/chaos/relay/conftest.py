"""The broker and the table of these tests."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import pytest_asyncio

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.settings.kafka import KafkaSettings
from tests.chaos.relay.relay_processes import Relays, relays_of
from tests.chaos.relay.topic_verification import Verification
from tests.support.database import Database
from tests.support.kafka import fresh_topics, transactional_settings

Report = Callable[[str, Verification], None]

_NAME_WIDTH = 64
_VERIFICATION = "relay on real Kafka"
_rows: list[tuple[str, dict[str, int]]] = []


@pytest_asyncio.fixture
async def kafka(apache_cluster: KafkaCluster) -> AsyncIterator[KafkaSettings]:
    """Settings of a real Kafka that is empty."""
    settings = transactional_settings(apache_cluster.address, kafka_topic_partitions=6)
    await fresh_topics(settings)
    yield settings
    await apache_cluster.start()  # a test may have killed it


@pytest.fixture
def relays(tmp_path: Path, database: Database, kafka: KafkaSettings) -> Iterator[Relays]:
    """Relays of the test's database and Kafka; none is made yet."""
    with relays_of(tmp_path, database, kafka) as made:
        yield made


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Add a line to the table at the end of the session, and fail when a count is not 0."""

    def add(name: str, verification: Verification) -> None:
        record_property(
            _VERIFICATION, (name, asdict(verification))
        )  # a property of the test reaches the session from any worker
        assert verification.clean, verification

    return add


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _rows.extend(value for name, value in report.user_properties if name == _VERIFICATION)  # type: ignore[misc]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _rows:
        return
    terminalreporter.write_sep("-", "relay on real Kafka, as a read_committed consumer sees it")
    counted = ("events", "duplicates", "missing", "inversions", "strangers")
    terminalreporter.write_line(f"{'':<{_NAME_WIDTH}}" + "".join(f"{each:>12}" for each in counted))
    for name, counts in _rows:
        terminalreporter.write_line(f"{name:<{_NAME_WIDTH}}" + "".join(f"{counts[each]:>12}" for each in counted))

"""The broker and the table of these tests."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.settings import KafkaSettings
from tests.chaos.relay.relay_processes import Relays, relays_of
from tests.chaos.relay.topic_verdict import Verdict
from tests.support.database import Database
from tests.support.kafka import fresh_topics, transactional_settings

Report = Callable[[str, Verdict], None]

_NAME_WIDTH = 64
_VERDICTS = pytest.StashKey[list[tuple[str, Verdict]]]()


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
def report(request: pytest.FixtureRequest) -> Report:
    """Add a line to the table at the end of the session, and fail when a count is not 0."""

    def add(name: str, verdict: Verdict) -> None:
        request.config.stash.setdefault(_VERDICTS, []).append((name, verdict))
        assert verdict.clean, verdict

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    verdicts = config.stash.get(_VERDICTS, [])
    if verdicts:
        terminalreporter.write_sep("-", "relay on real Kafka, as a read_committed consumer sees it")
        titles = f"{'events':>8}{'duplicates':>12}{'missing':>9}{'inversions':>12}{'strangers':>11}"
        terminalreporter.write_line(f"{'':<{_NAME_WIDTH}}{titles}")
    for name, each in verdicts:
        counts = f"{each.events:>8}{each.duplicates:>12}{each.missing:>9}{each.inversions:>12}{each.strangers:>11}"
        terminalreporter.write_line(f"{name:<{_NAME_WIDTH}}{counts}")

"""Members of consumer groups as processes: started, paused, killed, and asked what they own."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from aiokafka import TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.probe import http_status
from infra.embedded.process import Process, ProcessSpec
from infra.settings.kafka import KafkaSettings
from tests.support.database import Database

_PROGRAM = Path(__file__).with_name("group_member_program.py")
_REPOSITORY = _PROGRAM.parents[5]


class Member(Process):
    """A process that consumes. Its lag gauges say which partitions it thinks are its own."""

    def __init__(self, name: str, home: Home, arguments: tuple[str, ...], settings: Mapping[str, str]) -> None:
        spec = ProcessSpec(name=name, label=name, arguments=arguments)
        super().__init__(spec, home, port=free_port(), settings=settings)
        self.paused = False

    def pause(self) -> None:
        """Freeze it, as a paused container is."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        self._signal(signal.SIGCONT)
        self.paused = False

    def _signal(self, number: signal.Signals) -> None:
        assert self.pid is not None
        os.kill(self.pid, number)

    async def metrics(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return a metric's values by their labels; nothing when it does not answer."""
        _, text = await http_status(self.port, "/metrics")
        return {
            frozenset(sample.labels.items()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }

    async def lags(self) -> dict[TopicPartition, int]:
        """Return the partitions that it owns, as it believes, with their lag in events."""
        found = await self.metrics("consumer_lag_events")
        return {_partition(dict(labels)): int(value) for labels, value in found.items()}

    def times_said(self, text: str) -> int:
        """Return how often its log holds a text."""
        return self.log.read_text().count(text) if self.log.exists() else 0


def effects_member(
    name: str, home: Home, kafka: KafkaSettings, database: Database, topic: str, **settings: str
) -> Member:
    """Return a member that writes into `consumers.effects`, not started."""
    ours = {"PYTHONPATH": str(_REPOSITORY), "MEMBER_TOPIC": topic} | settings
    return Member(name, home, (str(_PROGRAM),), environment(kafka, database.url("app")) | ours)


def projector_member(name: str, home: Home, kafka: KafkaSettings, database: Database) -> Member:
    """Return a projector, not started."""
    return Member(name, home, ("-m", "infra.cli", "projector"), environment(kafka, database.url("projector")))


def environment(kafka: KafkaSettings, database_url: str) -> dict[str, str]:
    """Return the settings of a process."""
    settings = {
        name.upper(): str(value)
        for name, value in kafka.model_dump(exclude_defaults=True).items()
        if name.startswith("kafka_")
    }
    return settings | {"DATABASE_URL": database_url, "DATABASE_POOL_SIZE": "4"}


def _partition(labels: Mapping[str, str]) -> TopicPartition:
    return TopicPartition(labels["topic"], int(labels["partition"]))

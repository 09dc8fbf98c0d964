"""Compares declared topics with those of the cluster, and says how to remedy a difference."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Protocol

from infra.kafka.topic_state import TopicState

PARTITIONS = "partitions"
REPLICATION_FACTOR = "replication factor"


class TopicDeclaration(Protocol):
    """A topic that must exist (`schemas.topics.TopicDeclaration` is one); `config` are Kafka's own topic settings."""

    @property
    def name(self) -> str:
        """The topic."""
        ...

    @property
    def partitions(self) -> int:
        """How many there must be: another number would send keys elsewhere."""
        ...

    @property
    def replication_factor(self) -> int:
        """How many brokers hold it, at least."""
        ...

    @property
    def config(self) -> Mapping[str, str]:
        """Such as `{"cleanup.policy": "compact"}`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A number or setting of a topic. `actual` is None when the broker does not report it: then nothing is compared."""

    topic: str
    setting: str
    declared: str
    actual: str | None

    @property
    def differs(self) -> bool:
        """Whether the topic is not as declared. More replicas than declared are no difference.

        They are safer, and show for as long as partitions are moved to other brokers.
        """
        if self.actual is None:
            return False
        if self.setting == REPLICATION_FACTOR:
            return int(self.actual) < int(self.declared)
        return _normal(self.actual) != _normal(self.declared)

    def __str__(self) -> str:
        return f"{self.setting} {self.actual} instead of {self.declared}"


def compare(declared: TopicDeclaration, state: TopicState) -> Iterator[Comparison]:
    """Compare everything that is declared."""
    pairs: list[tuple[str, str, str | None]] = [
        (PARTITIONS, str(declared.partitions), str(state.partitions)),
        (REPLICATION_FACTOR, str(declared.replication_factor), str(state.replication_factor)),
        *((name, value, state.config.get(name)) for name, value in sorted(declared.config.items())),
    ]
    for name, value, actual in pairs:
        yield Comparison(topic=declared.name, setting=name, declared=value, actual=actual)


def remedy(difference: Comparison, bootstrap_servers: str) -> str:
    """Say how the cluster, or what is declared, is brought to agree. Commands are those of Apache Kafka."""
    topic, declared, actual = difference.topic, difference.declared, difference.actual
    match difference.setting:
        case "partitions":
            return (
                f"The number of partitions of {topic} cannot be reduced, and more of them would send keys elsewhere. "
                f"Set KAFKA_TOPIC_PARTITIONS={actual} for every process, if {declared} came from there. Otherwise stop "
                "the relays, delete all paystream topics, and start the relays: they create and fill them again."
            )
        case "replication factor":
            return (
                f"Give each partition of {topic} {declared} replicas with kafka-reassign-partitions.sh, or set "
                f"KAFKA_REPLICATION_FACTOR={actual} for every process."
            )
        case name:
            value = f"[{declared}]" if "," in declared else declared
            return (
                f"kafka-configs.sh --bootstrap-server {bootstrap_servers} --alter --entity-type topics "
                f"--entity-name {topic} --add-config {name}={value}"
            )


def _normal(value: str) -> frozenset[str]:
    """Return what two spellings of a value have in common: `0.10` and `0.1`, `Delete`, `compact, delete`."""
    return frozenset(_plain(part.strip().lower()) for part in value.split(","))


def _plain(text: str) -> str:
    try:
        return f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text

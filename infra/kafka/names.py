"""What topics, groups and transactional ids are called on a cluster that several cells share.

Everything of ours knows a topic by the name that it is declared with (`schemas.topics`): checkpoints, dead letters,
metrics and the relay's progress have that one. Only what goes to Kafka or comes from it has the cell's, and without a
cell both are the same. docs/decisions/0061 says why.
"""

from typing import Final

from aiokafka import TopicPartition

from infra.settings.kafka import KafkaSettings

_OURS: Final = "paystream."


class KafkaNames:
    """The names of a cell's topics, groups and transactional ids; None: the cluster has no cells."""

    def __init__(self, cell: str | None) -> None:
        self._owner = "" if cell is None else f"{cell}."
        self._prefix = f"{_OURS}{self._owner}"

    @classmethod
    def of(cls, settings: KafkaSettings) -> "KafkaNames":
        """Return the names in the cluster of a process."""
        return cls(settings.cell)

    @property
    def are_as_declared(self) -> bool:
        """Whether each name is the declared one."""
        return not self._owner

    def topic(self, declared: str) -> str:
        """Return what a declared topic is called on the cluster."""
        return declared if self.are_as_declared else f"{self._prefix}{declared.removeprefix(_OURS)}"

    def declared_topic(self, topic: str) -> str:
        """Return the name that a topic of the cluster is declared with. Raises ValueError for one of another cell."""
        if self.are_as_declared:
            return topic
        if not topic.startswith(self._prefix):
            raise ValueError(f"topic {topic} is none of this cell, whose topics begin with {self._prefix}")
        return f"{_OURS}{topic.removeprefix(self._prefix)}"

    def place(self, declared: TopicPartition) -> TopicPartition:
        """Return what a partition of a declared topic is called on the cluster."""
        return TopicPartition(self.topic(declared.topic), declared.partition)

    def declared_place(self, place: TopicPartition) -> TopicPartition:
        """Return the partition by its declared topic. Raises as `declared_topic` does."""
        return TopicPartition(self.declared_topic(place.topic), place.partition)

    def owned(self, name: str) -> str:
        """Return what a consumer group, or a transactional id, is called on the cluster."""
        return f"{self._owner}{name}"

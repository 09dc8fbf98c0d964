"""The Kafka topics, and which partition a stream lives in."""

from dataclasses import dataclass, field
from uuid import UUID

PAYMENT = "paystream.payment"
RELAY_PROGRESS = "paystream.relay-progress"

_TOPIC_OF_CATEGORY = {"payment": PAYMENT}

_KEEP_FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
_KEEP_NEWEST_OF_KEY = {"cleanup.policy": "compact"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicDeclaration:
    """A topic as it must be on the broker. `config` holds Kafka's own topic settings."""

    name: str
    partitions: int
    replication_factor: int
    config: dict[str, str] = field(default_factory=dict)


def event_topics() -> list[str]:
    """Return the topics that carry events."""
    return sorted(set(_TOPIC_OF_CATEGORY.values()))


def topic_of(category: str) -> str:
    """Return the topic of a stream category. Raises KeyError for a category without one."""
    return _TOPIC_OF_CATEGORY[category]


def declarations(partitions: int, replication_factor: int) -> list[TopicDeclaration]:
    """Declare every topic. Events are kept for ever: the topics can be read from the start at any time."""
    events = [
        TopicDeclaration(
            name=topic, partitions=partitions, replication_factor=replication_factor, config=_KEEP_FOR_EVER
        )
        for topic in event_topics()
    ]
    progress = TopicDeclaration(
        name=RELAY_PROGRESS, partitions=1, replication_factor=replication_factor, config=_KEEP_NEWEST_OF_KEY
    )
    return [*events, progress]


def partition_of(stream_id: UUID, partitions: int) -> int:
    """Return the partition of a stream: Kafka's default partitioner on the stream id as text.

    Any Kafka client that is given the key computes the same one.
    Source: murmur2 in Apache Kafka's `org.apache.kafka.common.utils.Utils`.
    """
    return (_murmur2(str(stream_id).encode()) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    length = len(data)
    digest = 0x9747B28C ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * multiplier & mask
        word = (word ^ (word >> 24)) * multiplier & mask
        digest = (digest * multiplier & mask) ^ word
    if length != whole:
        digest = (digest ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    digest = (digest ^ (digest >> 13)) * multiplier & mask
    return digest ^ (digest >> 15)

"""The Kafka topics, and which partition a stream lives in."""

from dataclasses import dataclass, field
from struct import unpack_from
from uuid import UUID

PAYMENT = "paystream.payment"
SPLIT_PAYMENT = "paystream.split-payment"
STRIPE_EVENT = "paystream.stripe-event"
STRIPE_BALANCE = "paystream.stripe-balance"
RECONCILIATION = "paystream.reconciliation"
PRIVACY = "paystream.privacy"
ACCESS = "paystream.access"
WEBHOOK_ENDPOINT = "paystream.webhook-endpoint"
RELAY_PROGRESS = "paystream.relay-progress"

_TOPIC_OF_CATEGORY = {
    "payment": PAYMENT,
    "split-payment": SPLIT_PAYMENT,
    "stripe-event": STRIPE_EVENT,
    "stripe-balance": STRIPE_BALANCE,
    "reconciliation": RECONCILIATION,
    "privacy": PRIVACY,
    "access": ACCESS,
    "webhook-endpoint": WEBHOOK_ENDPOINT,
}
_CONSUMERS = {
    PAYMENT: ("stripe-gateway", "projector", "sagas", "webhooks-out"),
    SPLIT_PAYMENT: ("sagas", "projector"),
    STRIPE_EVENT: ("stripe-webhooks",),
    STRIPE_BALANCE: ("projector",),
    RECONCILIATION: ("reconciliation", "projector"),
}

_KEEP_FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
# The relay writes a record with every transaction, some hundred a second, and reads the topic from its beginning when
# it starts. Only closed segments are cleaned, and what marks the end of a transaction stays for delete.retention.ms
# (by default a day) longer than its records: hence the small numbers. See docs/decisions/0009.
_KEEP_NEWEST_OF_KEY = {
    "cleanup.policy": "compact",
    "segment.bytes": str(4 * 1024 * 1024),
    "segment.ms": str(10 * 60 * 1000),
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(60 * 1000),
}
# So many brokers lose none that was acknowledged when one is lost, and still take records.
_SAFE_REPLICAS = 3


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


def categories_of(topic: str) -> list[str]:
    """Return the stream categories whose events a topic carries."""
    return [category for category, each in _TOPIC_OF_CATEGORY.items() if each == topic]


def consumers_of(topic: str) -> tuple[str, ...]:
    """Return the consumers of ours that a topic has."""
    return _CONSUMERS.get(topic, ())


def dead_letter_topic(topic: str, consumer: str) -> str:
    """Return the topic that announces what `consumer` could not apply of `topic`."""
    return f"{topic}.dlq.{consumer}"


def dead_letter_topics() -> list[str]:
    """Return the dead-letter topics of every consumer."""
    return [dead_letter_topic(topic, each) for topic, consumers in _CONSUMERS.items() for each in consumers]


def declarations(partitions: int, replication_factor: int) -> list[TopicDeclaration]:
    """Declare every topic. Events are kept for ever: the topics can be read from the start at any time."""
    safe = {"min.insync.replicas": "2"} if replication_factor >= _SAFE_REPLICAS else {}

    def declared(name: str, partitions: int, config: dict[str, str]) -> TopicDeclaration:
        return TopicDeclaration(
            name=name, partitions=partitions, replication_factor=replication_factor, config=config | safe
        )

    return [
        *(declared(topic, partitions, _KEEP_FOR_EVER) for topic in event_topics()),
        *(declared(topic, 1, _KEEP_FOR_EVER) for topic in dead_letter_topics()),
        declared(RELAY_PROGRESS, 1, _KEEP_NEWEST_OF_KEY),
    ]


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
    for word in unpack_from(f"<{whole // 4}I", data):
        mixed = word * multiplier & mask
        digest = (digest * multiplier & mask) ^ ((mixed ^ (mixed >> 24)) * multiplier & mask)
    if length != whole:
        digest = (digest ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    digest = (digest ^ (digest >> 13)) * multiplier & mask
    return digest ^ (digest >> 15)

"""What a consumer tells Prometheus of its lag."""

from aiokafka import TopicPartition
from prometheus_client import REGISTRY


def lag_of(*, group: str, consumer: str, partition: TopicPartition) -> tuple[float | None, float | None]:
    """Return events and seconds, None for a gauge that is not there."""
    labels = {
        "group": group,
        "consumer": consumer,
        "topic": partition.topic,
        "partition": str(partition.partition),
    }
    events = REGISTRY.get_sample_value("consumer_lag_events", labels)
    return events, REGISTRY.get_sample_value("consumer_lag_seconds", labels)

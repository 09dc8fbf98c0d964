"""The metrics of the projector, beside those of its Kafka consumer (infra.kafka.consumer.metrics)."""

import time

from prometheus_client import Counter, Gauge

from schemas.envelope import RecordedEvent

POSITION = Gauge("projection_position", "Highest position in the log that the projection has applied", ["projection"])
LAG_SECONDS = Gauge(
    "projection_lag_seconds",
    "Age of the last applied event when it was applied: from its recording to its place in the read model",
    ["projection"],
)
EVENTS_APPLIED = Counter("projection_events_applied_total", "Events applied", ["projection"])

_highest: dict[str, int] = {}


def applied(projection: str, count: int, last: RecordedEvent) -> None:
    """Note that `count` events, the last of a partition being `last`, are committed in a projection."""
    highest = _highest[projection] = max(_highest.get(projection, 0), last.position)
    POSITION.labels(projection).set(highest)
    LAG_SECONDS.labels(projection).set(max(0.0, time.time() - last.recorded_at.timestamp()))
    EVENTS_APPLIED.labels(projection).inc(count)

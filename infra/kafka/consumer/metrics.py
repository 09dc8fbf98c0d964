"""The metrics of every batch consumer."""

from prometheus_client import Counter, Gauge, Histogram

_PARTITION = ["group", "consumer", "topic", "partition"]

LAG_EVENTS = Gauge(
    "consumer_lag_events",
    "Committed records of the partition that this member has not dealt with; transaction markers among them count",
    _PARTITION,
)
LAG_SECONDS = Gauge(
    "consumer_lag_seconds",
    "Since when this member lacks records: from when it last had all, or the time of the last one dealt with, if later",
    _PARTITION,
)
APPLIED = Counter("consumer_events_applied_total", "Events whose effects were committed", ["consumer", "topic"])
DROPPED = Counter(
    "consumer_events_dropped_total",
    "Delivered events that were not applied: seen (at or below the checkpoint), or after_gap",
    ["consumer", "topic", "reason"],
)
GAPS = Counter("consumer_gaps_total", "Times that events were missing before a delivered one", ["consumer", "topic"])
FAILURES = Counter(
    "consumer_failures_total",
    "Batches that failed: transient (will be tried again) or permanent (the partition is halted)",
    ["consumer", "topic", "kind"],
)
HALTED = Gauge(
    "consumer_stopped_partitions",
    "Partitions that are halted at a record that cannot be applied",
    ["consumer"],
)
REBUILDS = Counter("consumer_rebuilds_total", "Times that the Kafka client was thrown away", ["consumer"])
BATCH_SECONDS = Histogram(
    "consumer_batch_duration_seconds",
    "From a partition's records in hand to effects and checkpoint committed",
    ["consumer", "topic"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

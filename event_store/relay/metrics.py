"""What the relay shows of itself. With several shards, each counts all events behind its own position."""

from prometheus_client import Counter, Gauge, Histogram

QUEUE_DEPTH = Gauge("outbox_queue_depth", "Events in the log that are not published yet, estimated by their positions")
OLDEST_AGE = Gauge("outbox_oldest_event_age_seconds", "Age of the oldest event that is not published yet")
for unknown in (QUEUE_DEPTH, OLDEST_AGE):
    unknown.set(float("nan"))  # a gauge that was never set would say 0
PUBLISH_DELAY = Histogram(
    "outbox_publish_delay_seconds",
    "From the recording of an event to its delivery to Kafka",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
)
PUBLISHED = Counter("relay_events_published_total", "Events delivered to Kafka")
REFUSED = Counter("relay_events_refused_total", "Events that Kafka refused: they are in the log, not in the topic")
SESSIONS = Counter("relay_sessions_total", "Producers that were opened; each error costs one", ["ended_by"])
POSITION = Gauge("relay_position", "Position in the log up to which everything is published")
LEADING = Gauge("relay_leading", "1 while this relay publishes, 0 while it stands by for another or cannot")
LOG_CLOSED = Gauge("event_log_closed", "1 while the log takes nothing, until it was compared with Kafka")
GAP_WAIT = Gauge("relay_gap_wait_seconds", "How long the relay has waited for an open transaction that drew a position")
STANDBYS = Gauge("postgres_standbys", "Standbys that are connected to the database")
STANDBYS.set(float("nan"))  # likewise: nobody has looked yet
STANDBY_LAG_BYTES = Gauge("postgres_standby_lag_bytes", "Bytes of WAL that a standby has not replayed", ["standby"])
STANDBY_LAG_SECONDS = Gauge(
    "postgres_standby_lag_seconds", "For how long a standby has not replayed something, as far as seen", ["standby"]
)
DOWNSTREAM_LAG_EVENTS = Gauge(
    "downstream_lag_events",
    "Records of a topic that a group of DOWNSTREAM_GROUPS has not committed; all, when it never did",
    ["group", "topic"],
)
DOWNSTREAM_LAG_SECONDS = Gauge(
    "downstream_lag_seconds", "For how long there have been records that it has not committed", ["group", "topic"]
)

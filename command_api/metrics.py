"""What the command API counts."""

from prometheus_client import Counter, Histogram

COMMANDS = Counter(
    "commands_total",
    "Commands by what became of them: accepted, replayed, or the code of the error",
    ["command", "result"],
)
COMMAND_DURATION = Histogram(
    "command_duration_seconds",
    "Time from a valid request to its record in the event store, without waiting for Stripe",
    ["command"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PAYMENTS_CREATED = Counter("payments_created_total", "Payments accepted", ["currency"])
REFUNDS_REQUESTED = Counter("refunds_requested_total", "Refunds accepted")
REPLAYS = Counter("idempotency_replays_total", "Stored answers given again, by where they were found", ["source"])
REDIS_UNAVAILABLE = Counter(
    "idempotency_redis_unavailable_total", "Uses of the idempotency cache that went without, PostgreSQL deciding alone"
)

"""What is counted of commands of every kind."""

from prometheus_client import Counter, Histogram

from command_api.commands.client_operation import ClientOperation

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
REPLAYS = Counter("idempotency_replays_total", "Stored answers given again, by where they were found", ["source"])
CACHE_HITS = Counter("idempotency_cache_hits_total", "Stored answers given again that Redis had")
REDIS_UNAVAILABLE = Counter(
    "idempotency_redis_unavailable_total", "Uses of the idempotency cache that went without, PostgreSQL deciding alone"
)


def record_result(operation: ClientOperation, result: str, seconds: float) -> None:
    """Count a command by its result, and how long it took."""
    COMMANDS.labels(operation.name, result).inc()
    COMMAND_DURATION.labels(operation.name).observe(seconds)

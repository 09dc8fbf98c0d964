"""What the locks tell Prometheus. The label `lock` is a lock's name up to the first colon: `payment` of `payment:1`."""

from prometheus_client import Counter, Gauge, Histogram

ACQUISITIONS = Counter(
    "redlock_acquisitions_total",
    "Attempts to take a lock: acquired, taken by another, late, or away (too few servers voted)",
    ["lock", "result"],
)
ACQUIRE_SECONDS = Histogram(
    "redlock_acquire_duration_seconds",
    "One attempt to take a lock, all servers asked",
    ["lock"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
)
EXTENSIONS = Counter(
    "redlock_extensions_total", "Attempts to extend a lease: extended, failed (tried again), lost", ["lock", "result"]
)
LEASES_HELD = Gauge("redlock_leases_held", "Leases that this process holds now", ["lock"])
LEASES_LOST = Counter("redlock_leases_lost_total", "Leases that ended before they were given back", ["lock"])
SERVER_ERRORS = Counter("redlock_server_errors_total", "Requests that a lock server did not answer", ["server"])


def label_of(name: str) -> str:
    """Return the label of a lock: names of busy keys are without number, kinds of locks are few."""
    return name.partition(":")[0]

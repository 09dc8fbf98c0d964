"""What the worker of webhooks tells Prometheus. Its alerts are in infra/deploy/prometheus/webhooks_out.rules.yml."""

from prometheus_client import Counter, Gauge, Histogram

from domain.webhook_endpoint import DisabledBecause

RESULTS = ("delivered", "retried", "failed", "unsendable", "lease_lost")
ATTEMPTS = Counter(
    "webhooks_out_attempts_total",
    "Attempts to deliver a webhook to a merchant: delivered, retried (tried again), failed (given up), unsendable (its "
    "event or secret cannot be read), lease_lost",
    ["result"],
)
ATTEMPT_SECONDS = Histogram(
    "webhooks_out_attempt_duration_seconds",
    "From an attempt's start to the endpoint's answer, or its time-out",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
PENDING = Gauge("webhooks_out_pending", "Deliveries that are neither delivered nor given up; 100,000: or more")
OLDEST_DUE_SECONDS = Gauge(
    "webhooks_out_oldest_due_seconds", "How long a delivery has been due, at most, without being tried"
)
ENDPOINTS = Gauge(
    "webhooks_out_endpoints",
    "Endpoints of merchants: enabled, of those failing (nothing was delivered since), and disabled as they failed",
    ["status"],
)
DISABLED = Counter(
    "webhooks_out_endpoints_disabled_total", "Endpoints that were disabled: failing for days, or gone", ["because"]
)


def begin() -> None:
    """Show every series from the start: Prometheus sees no rise in one that it sees for the first time."""
    for result in RESULTS:
        ATTEMPTS.labels(result)
    for because in DisabledBecause:
        DISABLED.labels(because.value)

"""What the gateway tells Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

from consumers.gateway.undo import UndoKind

CALLS = Counter(
    "stripe_calls_total",
    "Calls of Stripe: succeeded, declined, refused, retryable, unknown, broken; throttled: not made, to spare it",
    ["operation", "outcome"],
)
CALL_SECONDS = Histogram(
    "stripe_call_duration_seconds",
    "From a call's start to its answer or its time-out",
    ["operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
PROCESSING_SECONDS = Histogram(
    "payment_processing_duration_seconds",
    "From a payment's request to the recorded answer of Stripe to its creation, by the payment's status then",
    ["status"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
TASKS = Gauge("gateway_tasks", "Wanted calls that are not done, by status", ["status"])
OLDEST_SECONDS = Gauge(
    "gateway_oldest_call_seconds",
    "Since when the first call is wanted that is not done and that no other of its payment holds up, by status",
    ["status"],
)
RETRIES = Counter("gateway_retries_total", "Calls that will be sent again with the same key", ["operation"])
DEAD = Counter("gateway_dead_letters_total", "Tasks that a person has to look at", ["operation"])
LOOK_UPS = Counter(
    "gateway_look_ups_total", "Look-ups of calls whose outcome is unknown: found, missing, failed", ["result"]
)
UNDONE = Counter(
    "gateway_undone_total",
    "Payments that were called failed, stood at Stripe after all, and were undone there: canceled, refunded",
    ["how"],
)
for _kind in UndoKind:  # from the start: Prometheus sees no rise in a series that it sees for the first time
    UNDONE.labels(_kind.value)
LEASES_LOST = Counter("gateway_leases_lost_total", "Results that were dropped as the lease had run out")
IN_FLIGHT = Gauge("gateway_tasks_in_flight", "Tasks that this process works on")
CONTRADICTIONS = Counter(
    "gateway_contradictions_total", "Times that Stripe first said of a payment what contradicts what is recorded of it"
)

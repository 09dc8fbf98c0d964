"""What the guard tells Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

BREAKER_STATE = Gauge("circuit_breaker_state", "0 closed, 1 half-open, 2 open", ["name"])
BREAKER_TRANSITIONS = Counter("circuit_breaker_transitions_total", "Changes of a breaker's state", ["name", "to"])
BREAKER_REFUSALS = Counter("circuit_breaker_refusals_total", "Calls that were not made as it was open", ["name"])
RATE = Gauge("stripe_rate_limit_per_second", "Calls a second that all processes may make now, or this one alone")
CEILING = Gauge("stripe_rate_limit_ceiling_per_second", "Calls a second that all processes may make at most")
SHARED = Gauge("stripe_rate_limit_shared", "1: all processes share one limit; 0: Redis is away, each has its part")
WAIT_SECONDS = Histogram(
    "stripe_rate_limit_wait_seconds",
    "How long calls waited for their turn",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BACKGROUND_WAIT_SECONDS = Histogram(
    "stripe_background_wait_seconds",
    "How long calls in the background waited for their part of the rate limit",
    buckets=(0.005, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
LIMITED = Counter("stripe_rate_limit_hits_total", "Calls that Stripe refused with 429, as there were too many")
THROTTLED = Counter("stripe_rate_limit_throttled_total", "Calls that were not made, as too many waited")
API_ERRORS = Counter(
    "stripe_api_errors_total",
    "Errors of Stripe's API and calls without an answer, by the type that Stripe gives the error "
    "(https://docs.stripe.com/api/errors); a declined card is a card_error",
    ["error_type"],
)
IN_FLIGHT = Gauge("stripe_guard_calls_in_flight", "Calls of Stripe that this process makes now")
MOST_IN_FLIGHT = Gauge("stripe_guard_calls_in_flight_limit", "Calls of Stripe that this process may make at once now")

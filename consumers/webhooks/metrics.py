"""Metrics of the interpreter of webhooks."""

from prometheus_client import Counter

INTERPRETED = Counter(
    "stripe_events_interpreted_total",
    "Stripe's events by type and what was made of them: refresh (the payment is read at Stripe), nothing_new, or why "
    "it was ignored (unhandled_type, other_account, unknown_payment, other_intent)",
    ["type", "outcome"],
)

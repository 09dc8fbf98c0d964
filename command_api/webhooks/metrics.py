"""What the webhook intake counts."""

from prometheus_client import Counter

WEBHOOKS = Counter(
    "stripe_webhooks_total",
    "Webhooks of Stripe by type and what became of them: recorded, duplicate, or the code of the refusal. "
    "The type of what is not known to be Stripe's is -",
    ["type", "result"],
)

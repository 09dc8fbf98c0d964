"""What each end of a call says of Stripe: the table."""

import pytest
import stripe

from infra.stripe.guard.classification import CallClassification, classify

SERVED, DOWN, LIMITED, NOTHING = (
    CallClassification.SERVED,
    CallClassification.DOWN,
    CallClassification.LIMITED,
    CallClassification.NOTHING,
)


def answered(status: int | None, code: str | None = None, **headers: str) -> stripe.StripeError:
    shown = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return stripe.StripeError("no", http_status=status, headers=shown, code=code)


@pytest.mark.parametrize(
    ("error", "classification"),
    [
        (stripe.APIConnectionError("no answer"), CallClassification.UNANSWERED),
        (TimeoutError(), CallClassification.UNANSWERED),
        (ConnectionResetError(), CallClassification.UNANSWERED),
        (answered(500), DOWN),
        (answered(502), DOWN),
        (answered(503, stripe_should_retry="true"), DOWN),
        (answered(500, idempotent_replayed="true"), SERVED),
        (stripe.CardError("declined", None, "card_declined", http_status=402), SERVED),
        (stripe.InvalidRequestError("no", "amount", http_status=400), SERVED),
        (answered(401), SERVED),
        (answered(403), SERVED),
        (answered(404), SERVED),
        (answered(409, "idempotency_key_in_use"), SERVED),
        (stripe.RateLimitError("slow down", http_status=429, code="rate_limit"), LIMITED),
        (answered(429), LIMITED),
        (answered(429, stripe_rate_limited_reason="global-rate"), LIMITED),
        (answered(429, stripe_rate_limited_reason="endpoint-concurrency"), CallClassification.LIMITED_HERE),
        (answered(429, stripe_rate_limited_reason="endpoint-rate"), CallClassification.LIMITED_HERE),
        (answered(429, "lock_timeout"), SERVED),
        (answered(429, stripe_rate_limited_reason="resource-specific"), SERVED),
        (answered(None), NOTHING),
        (ValueError("our own"), NOTHING),
    ],
)
def test_what_it_says_of_stripe(error: Exception, classification: CallClassification) -> None:
    assert classify(error) is classification

"""What each end of a call says of Stripe: the table."""

import pytest
import stripe

from infra.stripe.guard.classification import CallClassification, classify, error_type

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


def of_type(found: object, status: int = 400) -> stripe.StripeError:
    return stripe.StripeError("no", http_status=status, json_body={"error": {"type": found}})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (of_type("card_error", 402), "card_error"),
        (of_type("invalid_request_error"), "invalid_request_error"),
        (of_type("idempotency_error"), "idempotency_error"),
        (of_type("api_error", 500), "api_error"),
        (of_type("invalid_request_error", 401), "authentication_error"),
        (of_type("invalid_request_error", 403), "permission_error"),
        (of_type("invalid_request_error", 429), "rate_limit_error"),
        (of_type("made_up_by_a_proxy"), "other"),
        (of_type(["card_error"]), "other"),
        (stripe.StripeError("no", http_status=502, json_body="<html>"), "other"),
        (stripe.APIConnectionError("no answer"), "connection_error"),
        (TimeoutError(), "connection_error"),
        (ValueError("our own"), None),
    ],
)
def test_the_type_of_an_error_is_one_of_a_few_words(error: Exception, expected: str | None) -> None:
    assert error_type(error) == expected

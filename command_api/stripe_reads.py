"""Why something cannot be read from Stripe within an HTTP request: client secrets, and what a payout pays."""

import stripe
import structlog

from infra.errors import InfraError, Unavailable
from infra.http.problems import Problem
from infra.stripe.guard.classification import CallClassification, classify

log = structlog.get_logger(__name__)


class StripeUnavailable(Unavailable):
    """Stripe did not serve the question."""

    code = "stripe_unavailable"
    title = "The payment processor does not answer"


class StripeRefused(InfraError):
    """Stripe answered, and not with what was asked for: a key of another account, or without the permission."""

    code = "stripe_refused"
    title = "The payment processor refused the question"


def read_failure(
    error: stripe.StripeError | TimeoutError, event: str, *, refused: str, **fields: str
) -> StripeUnavailable | StripeRefused:
    """Return why a read failed; it is logged as `event` with these fields. `refused`: what Stripe refused then."""
    classification, kind, status = classify(error), type(error).__name__, getattr(error, "http_status", None)
    log.warning(event, **fields, error=kind, status=status, classification=classification.value)
    if classification in {CallClassification.SERVED, CallClassification.NOTHING}:
        return StripeRefused(refused)
    return StripeUnavailable(f"Stripe did not answer: {kind}.")


def problem_of_refusal(error: StripeRefused) -> Problem:
    """Return the problem (502) that tells a client of it."""
    return Problem(502, error.code, error.title, str(error))

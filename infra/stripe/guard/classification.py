"""What the end of a call says of Stripe's state, for the breaker and the rate limit.

What it means for the payment is another question, and answered by who made the call.
"""

from enum import Enum

import stripe

_TOO_MANY, _SERVER_ERRORS = 429, 500
# https://docs.stripe.com/api/errors#errors-type
_TYPES = frozenset({"api_error", "card_error", "idempotency_error", "invalid_request_error"})
_TYPES_BY_STATUS = {401: "authentication_error", 403: "permission_error", _TOO_MANY: "rate_limit_error"}
# https://docs.stripe.com/rate-limits: these are about one object, and slower calls of others would not help.
_OBJECT_LOCKED = "lock_timeout"
_OBJECT_REASONS = {"resource-specific"}
_ENDPOINT_REASONS = {"endpoint-rate", "endpoint-concurrency"}


class CallClassification(Enum):
    """SERVED: it answered, be it a decline or a refusal. DOWN, LIMITED: it did not serve. NOTHING: our own fault.

    UNANSWERED: nothing came back, as when it is asked for more than it can do. LIMITED_HERE: it did not serve, as this
    endpoint is asked too often; the others may go on.
    """

    SERVED = "served"
    DOWN = "down"
    UNANSWERED = "unanswered"
    LIMITED = "limited"
    LIMITED_HERE = "limited_here"
    NOTHING = "nothing"


def error_type(error: Exception) -> str | None:
    """Return Stripe's type of an error, or that of its status; None for what Stripe has no part in.

    `connection_error`: no answer came. `other`: one that no API of Stripe gives.
    """
    if isinstance(error, stripe.APIConnectionError | OSError):
        return "connection_error"
    if not isinstance(error, stripe.StripeError):
        return None
    if error.http_status in _TYPES_BY_STATUS:
        return _TYPES_BY_STATUS[error.http_status]
    body = error.json_body.get("error") if isinstance(error.json_body, dict) else None
    found = body.get("type") if isinstance(body, dict) else None
    return found if isinstance(found, str) and found in _TYPES else "other"


def classify(error: Exception) -> CallClassification:
    """Return what an exception of a call says."""
    if isinstance(error, stripe.APIConnectionError | OSError):  # TimeoutError is an OSError
        return CallClassification.UNANSWERED
    if not isinstance(error, stripe.StripeError) or error.http_status is None:
        return CallClassification.NOTHING
    headers = {name.lower(): value.lower() for name, value in (error.headers or {}).items()}
    if error.http_status >= _SERVER_ERRORS:
        # A failure that was stored for the key, maybe long ago, is not one of now.
        return CallClassification.SERVED if headers.get("idempotent-replayed") == "true" else CallClassification.DOWN
    if error.http_status == _TOO_MANY:
        reason = headers.get("stripe-rate-limited-reason")
        is_about_an_object = error.code == _OBJECT_LOCKED or reason in _OBJECT_REASONS
        if is_about_an_object:
            return CallClassification.SERVED
        return CallClassification.LIMITED_HERE if reason in _ENDPOINT_REASONS else CallClassification.LIMITED
    return CallClassification.SERVED

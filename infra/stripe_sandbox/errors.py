"""Errors with Stripe's texts, codes and types.

Shapes: https://docs.stripe.com/api/errors, codes: https://docs.stripe.com/error-codes.
On the wire `type` is one of four values; what the SDK calls AuthenticationError or RateLimitError is told from the
HTTP status alone.
"""

from collections.abc import Mapping
from typing import Literal

from infra.stripe_sandbox.json_types import Json, JsonObject

ErrorType = Literal["api_error", "card_error", "idempotency_error", "invalid_request_error"]

BAD_REQUEST = 400
UNAUTHORIZED = 401
PAYMENT_REQUIRED = 402
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
TOO_MANY_REQUESTS = 429
INTERNAL = 500


class StripeError(Exception):
    """An answer other than success; raising it undoes what the request had changed.

    `stored` says whether the answer is kept for the idempotency key: Stripe keeps it once execution began, and does
    not when the parameters were bad or another request held the key
    (https://docs.stripe.com/api/idempotent_requests).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = BAD_REQUEST,
        error_type: ErrorType = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        stored: bool = True,
        members: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        self._error = error_object(message, error_type=error_type, code=code, param=param, members=members)

    def body(self, request_log_url: str | None) -> JsonObject:
        """Return the response body; Stripe links its log of the request in it."""
        if request_log_url is None:
            return {"error": self._error}
        return {"error": {**self._error, "request_log_url": request_log_url}}


def error_object(
    message: str,
    *,
    error_type: ErrorType,
    code: str | None = None,
    param: str | None = None,
    members: Mapping[str, Json] | None = None,
) -> JsonObject:
    """Return the `error` member; Stripe leaves members without a value out."""
    error: JsonObject = {"message": message, "type": error_type}
    if code is not None:
        error["code"] = code
        error["doc_url"] = doc_url(code)
    if param is not None:
        error["param"] = param
    if members is not None:
        error.update({name: value for name, value in members.items() if value is not None})
    return error


def doc_url(code: str) -> str:
    """Return Stripe's page on an error code."""
    return f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"


def invalid_parameter(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """Return a refusal of the parameters as sent, before anything was done."""
    return StripeError(message, param=param, code=code, stored=False)


def resource_missing(kind: str, object_id: str, *, param: str, status: int = NOT_FOUND) -> StripeError:
    """Return the answer for an id that this account does not have."""
    return StripeError(f"No such {kind}: '{object_id}'", status=status, code="resource_missing", param=param)


def unexpected_state(message: str, intent: Mapping[str, Json]) -> StripeError:
    """Return the refusal of a step that the payment intent's status does not allow."""
    return StripeError(message, code="payment_intent_unexpected_state", members={"payment_intent": intent})


def unrecognized_url(method: str, path: str) -> StripeError:
    """Return the answer for a path or method that the API does not have."""
    return StripeError(
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
        "If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. "
        "Please see https://stripe.com/docs or we can help at https://support.stripe.com/.",
        status=NOT_FOUND,
        stored=False,
    )


def key_in_use(key: str) -> StripeError:
    """Return the refusal of a request whose idempotency key another running request holds."""
    return StripeError(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        status=CONFLICT,
        code="idempotency_key_in_use",
        stored=False,
    )


def rate_limited() -> StripeError:
    """Return the refusal of one request too many."""
    return StripeError(
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        status=TOO_MANY_REQUESTS,
        code="rate_limit",
        stored=False,
    )


def lock_timeout() -> StripeError:
    """Return the refusal of a request whose object another one holds: https://docs.stripe.com/rate-limits."""
    return StripeError(
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request. If you see this error frequently and "
        "are making multiple concurrent requests to a single object, make your requests serially or at a lower rate. "
        "For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts.",
        status=TOO_MANY_REQUESTS,
        code="lock_timeout",
        stored=False,
    )


def internal_error(status: int = INTERNAL) -> StripeError:
    """Return what a caller sees of a fault in the server; like Stripe's own, it is kept for the key."""
    return StripeError(
        "An unknown error occurred. We have been notified of the problem.",
        status=status,
        error_type="api_error",
    )

"""What OpenAPI says of the endpoints: bodies, headers, and every error by its code.

The routes read bodies and keys themselves, so FastAPI cannot know them; the document is made from the same models.
"""

from collections import defaultdict
from typing import Any

from pydantic import BaseModel

from command_api.errors import ERROR_SPECS
from command_api.headers import ACTOR_HEADER, ACTOR_PATTERN, ACTOR_SCOPE, KEY_PATTERN, MAX_KEY_CHARS
from command_api.request_body import MAX_BODY_KIB
from infra.http.openapi import RATE_LIMITED, described_errors, reference
from infra.http.position_tokens import POSITION_TOKEN
from schemas.http.payments import (
    CancelPaymentBody,
    CapturePaymentBody,
    ConfirmPaymentBody,
    CreatePaymentBody,
    RefundPaymentBody,
)
from schemas.http.split_payments import CancelSplitPaymentBody, CreateSplitPaymentBody, RefundSplitPaymentBody

_GENERAL_ERRORS = {
    400: {
        "invalid_request": f"The body is not JSON, there is a query string, or {ACTOR_HEADER} is no name",
        "idempotency_key_invalid": "The Idempotency-Key is not valid",
    },
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": f"The API key lacks the scope payments:write, or {ACTOR_SCOPE} for {ACTOR_HEADER}"},
    413: {"body_too_large": f"The body is larger than {MAX_BODY_KIB} KiB"},
    429: RATE_LIMITED,
    415: {"unsupported_media_type": "The body is not declared as JSON in UTF-8, or has a Content-Encoding"},
    422: {"invalid_request": "A field is missing, unknown or not valid; `errors` says which"},
    503: {
        "database_unavailable": "The event store cannot be reached; ask again with the same key",
        "personal_data_unavailable": "The key of the user's personal data cannot be had; ask again with the same key",
        "overloaded": "Too many commands are under way, and nothing was done; ask again with the same key",
        "shutting_down": "This process is stopping; ask again with the same key",
    },
}
_OWN_ERRORS = {
    CreatePaymentBody: {
        "stripe_object_of_another_merchant",
        "invalid_payment_request",
        "amount_too_small",
        "amount_too_large",
        "amount_not_representable",
        "currency_unsupported",
    },
    ConfirmPaymentBody: {"payment_not_confirmable", "stripe_object_of_another_merchant"},
    CapturePaymentBody: {
        "payment_is_leg",
        "payment_not_capturable",
        "capture_amount_exceeds_authorized",
        "amount_not_representable",
        "amount_too_small",
    },
    CancelPaymentBody: {"payment_is_leg", "payment_not_cancelable", "invalid_payment_request"},
    CreateSplitPaymentBody: {
        "stripe_object_of_another_merchant",
        "invalid_split_payment",
        "amount_too_small",
        "amount_too_large",
        "amount_not_representable",
        "currency_unsupported",
    },
    CancelSplitPaymentBody: {"split_payment_not_cancelable"},
    RefundSplitPaymentBody: {
        "split_payment_not_refundable",
        "split_refund_amount_exceeds_refundable",
        "amount_not_representable",
        "amount_too_small",
    },
    RefundPaymentBody: {
        "payment_is_leg",
        "payment_not_refundable",
        "payment_disputed",
        "refund_amount_exceeds_refundable",
        "amount_not_representable",
        "amount_too_small",
    },
}
_ALWAYS = {"card_number_refused", "request_too_large", "idempotency_key_in_use", "idempotency_key_reused"}
_OF_A_PAYMENT = {"payment_not_found", "payment_busy"}
_OF_A_SPLIT_PAYMENT = {"split_payment_not_found", "split_payment_busy"}
_OPENS = (CreatePaymentBody, CreateSplitPaymentBody)

_REQUEST_HEADERS = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": f"1 to {MAX_KEY_CHARS} printable ASCII characters, quoted (RFC 9651) or bare: a new one for "
        "each command, the same one for its repeats. Missing: one is made and answered. No card number may be in it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 2 * MAX_KEY_CHARS + 2, "pattern": KEY_PATTERN},
    },
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "wait=N holds the answer for Stripe's outcome, at most N seconds and the server's limit.",
        "schema": {"type": "string"},
        "example": "wait=10",
    },
    {
        "name": ACTOR_HEADER,
        "in": "header",
        "required": False,
        "description": "Which of your people acts, as you call them: the events then have the actor "
        f"`api:<key id>/<name>`. Only from a key with the scope `{ACTOR_SCOPE}`.",
        "schema": {"type": "string", "pattern": ACTOR_PATTERN},
        "example": "anna",
    },
]
_ANSWER_HEADERS = {
    "Idempotency-Key": {"description": "The key of this command.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "true: the command was carried out before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    POSITION_TOKEN: {
        "description": "`position` with the cell whose log it is of, where there are cells: for the query API.",
        "schema": {"type": "string"},
    },
    "Preference-Applied": {"description": "wait=N, as granted.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "Names the request in the logs.", "schema": {"type": "string"}},
}


def documented(body: type[BaseModel], answer: type[BaseModel], *statuses: int) -> dict[str, Any]:
    """Return the keyword arguments of a route that takes `body` and answers `answer` with one of `statuses`."""
    meanings = {
        200: "Stripe's outcome is known",
        201: "The payment is recorded",
        202: "Recorded; Stripe's outcome is not known yet",
    }
    answers = {
        status: {"model": answer, "description": meanings[status], "headers": _ANSWER_HEADERS} for status in statuses
    }
    request_body = {
        "required": body in _OPENS,
        "content": {"application/json": {"schema": reference(body.__name__)}},
    }
    return {
        "status_code": statuses[-1],
        "response_model": None,
        "responses": {**answers, **_error_responses(body)},
        "openapi_extra": {
            "requestBody": request_body,
            "parameters": _REQUEST_HEADERS,
            "security": [{"ApiKey": []}],
        },
    }


def _error_responses(body: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    codes: dict[int, dict[str, str]] = defaultdict(dict)
    for status, general in _GENERAL_ERRORS.items():
        codes[status].update(general)
    scope = "refunds:write" if body in (RefundPaymentBody, RefundSplitPaymentBody) else "payments:write"
    codes[403] = {"forbidden": f"The API key lacks the scope {scope}"}
    of_split = body in (CancelSplitPaymentBody, RefundSplitPaymentBody)
    existing = _OF_A_SPLIT_PAYMENT if of_split else _OF_A_PAYMENT
    subject = set() if body in _OPENS else existing
    for code in sorted(_ALWAYS | subject | _OWN_ERRORS[body]):
        codes[ERROR_SPECS[code].status][code] = ERROR_SPECS[code].title
    return described_errors(codes)

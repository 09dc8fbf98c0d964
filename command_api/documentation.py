"""What OpenAPI says of the routes beyond their signatures: bodies, headers, and every error by its code.

The routes read bodies and keys themselves, so FastAPI cannot know them; the document is made from the same models.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from command_api.bodies import MAX_BODY_KIB
from command_api.errors import TELLINGS
from infra.http.openapi import leave_out_validation_errors
from infra.http.problems import MEDIA_TYPE
from schemas.http.payments import (
    CancelPaymentBody,
    CapturePaymentBody,
    ConfirmPaymentBody,
    CreatePaymentBody,
    RefundPaymentBody,
)
from schemas.http.problems import ProblemBody
from schemas.http.reconciliations import RequestReconciliationBody

DESCRIPTION = """
The write side of Paystream: commands on payments. Every command is recorded before it is answered, and carried out at
Stripe afterwards; the query API tells what became of it, or send `Prefer: wait`.

**Idempotency.** Send an `Idempotency-Key` of your own with every command and repeat the request with the same key until
you have an answer: it is carried out once. A repeat gets the stored answer, byte for byte, with
`Idempotent-Replayed: true`. The same key with another body, path or method is refused (422,
`idempotency_key_reused`), and while the first request is being carried out a repeat gets 409
(`idempotency_key_in_use`) with `Retry-After`. Keys belong to the merchant. A command that was refused, or that changed
nothing, leaves its key free.

**Waiting.** `Prefer: wait=N` (RFC 7240) holds the answer until Stripe's outcome is known or N seconds have passed, and
the answer says `Preference-Applied`. A repeat that carries it waits likewise and gets the *present* state; one without
it gets the stored answer.

**Card numbers** are refused wherever they stand. Send the id of a Stripe payment method.
"""

_REQUESTS = (
    CreatePaymentBody,
    ConfirmPaymentBody,
    CapturePaymentBody,
    CancelPaymentBody,
    RefundPaymentBody,
    RequestReconciliationBody,
)
_REF = "#/components/schemas/{model}"

_GENERAL_ERRORS = {
    400: {
        "invalid_request": "The body is not JSON, or there is a query string",
        "idempotency_key_invalid": "The Idempotency-Key is not valid",
    },
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope payments:write"},
    413: {"body_too_large": f"The body is larger than {MAX_BODY_KIB} KiB"},
    415: {"unsupported_media_type": "The body is not declared as JSON in UTF-8, or has a Content-Encoding"},
    422: {"invalid_request": "A field is missing, unknown or not valid; `errors` says which"},
    503: {
        "database_unavailable": "The event store cannot be reached; ask again with the same key",
        "shutting_down": "This process is stopping; ask again with the same key",
    },
}
_OWN_ERRORS = {
    CreatePaymentBody: {
        "invalid_payment_request",
        "amount_too_small",
        "amount_too_large",
        "amount_not_representable",
        "currency_unsupported",
    },
    ConfirmPaymentBody: {"payment_not_confirmable"},
    CapturePaymentBody: {
        "payment_not_capturable",
        "capture_amount_exceeds_authorized",
        "amount_not_representable",
        "amount_too_small",
    },
    CancelPaymentBody: {"payment_not_cancelable", "invalid_payment_request"},
    RefundPaymentBody: {
        "payment_not_refundable",
        "payment_disputed",
        "refund_amount_exceeds_refundable",
        "amount_not_representable",
        "amount_too_small",
    },
}
_ALWAYS = {"card_number_refused", "request_too_large", "idempotency_key_in_use", "idempotency_key_reused"}
_OF_A_PAYMENT = {"payment_not_found", "payment_busy"}

_REQUEST_HEADERS = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "1 to 255 printable ASCII characters, quoted or bare. Missing: one is made and answered.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "order-1001",
    },
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "wait=N holds the answer for Stripe's outcome, at most N seconds and the server's limit.",
        "schema": {"type": "string"},
        "example": "wait=10",
    },
]
_ANSWER_HEADERS = {
    "Idempotency-Key": {"description": "The key of this command.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "true: the command was carried out before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Preference-Applied": {"description": "wait=N, as granted.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "Names the request in the logs.", "schema": {"type": "string"}},
}
_API_KEY = {"type": "http", "scheme": "bearer", "description": "An API key of the merchant."}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def documented(body: type[BaseModel], answer: type[BaseModel], *statuses: int) -> dict[str, Any]:
    """Return the keyword arguments of a route that takes `body` and answers `answer` with one of `statuses`."""
    meanings = {
        200: "Stripe's outcome is known",
        201: "The payment is recorded",
        202: "Recorded, Stripe's outcome is open",
    }
    answers = {
        status: {"model": answer, "description": meanings[status], "headers": _ANSWER_HEADERS} for status in statuses
    }
    request_body = {
        "required": body is CreatePaymentBody,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model=body.__name__)}}},
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


def describe(app: FastAPI) -> None:
    """Add request bodies and security to the application's OpenAPI document, which is made once, on first use."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make()
            components = document.setdefault("components", {})
            components["securitySchemes"] = {"ApiKey": _API_KEY}
            schemas = components.setdefault("schemas", {})
            _, definitions = models_json_schema(
                [*((model, "validation") for model in _REQUESTS), (ProblemBody, "validation")],
                ref_template=_REF,
            )
            schemas.update(definitions["$defs"])
            leave_out_validation_errors(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _error_responses(body: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    codes: dict[int, dict[str, str]] = defaultdict(dict)
    for status, general in _GENERAL_ERRORS.items():
        codes[status].update(general)
    subject = set() if body is CreatePaymentBody else _OF_A_PAYMENT
    for code in sorted(_ALWAYS | subject | _OWN_ERRORS[body]):
        codes[TELLINGS[code].status][code] = TELLINGS[code].title
    return described_errors(codes)


def described_errors(codes: Mapping[int, Mapping[str, str]]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of errors: of each status, when which code is answered."""
    return {status: _error_response(status, by_code) for status, by_code in sorted(codes.items())}


def _error_response(status: int, by_code: Mapping[str, str]) -> dict[str, Any]:
    examples = {
        code: {
            "summary": title,
            "value": {
                "type": f"urn:paystream:problem:{code}",
                "title": title,
                "status": status,
                "code": code,
            },
        }
        for code, title in by_code.items()
    }
    response: dict[str, Any] = {
        "description": "; ".join(f"`{code}`: {title}" for code, title in by_code.items()),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=ProblemBody.__name__)}, "examples": examples}},
    }
    if status in {409, 503}:
        response["headers"] = _RETRY_AFTER
    return response

"""What OpenAPI says of the endpoint."""

from typing import Any

from command_api.request_body import MAX_BODY_KIB
from infra.http.openapi import RATE_LIMITED, described_errors, reference
from schemas.http.reconciliations import ReconciliationAnswer, RequestReconciliationBody

_ERRORS = {
    400: {
        "invalid_request": "The body is not JSON, or there is a query string",
        "card_number_refused": "A card number was sent",
    },
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope finance:write"},
    413: {"body_too_large": f"The body is larger than {MAX_BODY_KIB} KiB"},
    415: {"unsupported_media_type": "The body is not declared as JSON in UTF-8, or has a Content-Encoding"},
    422: {
        "invalid_request": "A field is missing, unknown or not valid; `errors` says which",
        "day_not_begun": "The day has not begun",
    },
    429: RATE_LIMITED,
    503: {"database_unavailable": "The event store cannot be reached; ask again"},
}

DOCUMENTED: dict[str, Any] = {
    "status_code": 202,
    "response_model": None,
    "responses": {
        202: {"model": ReconciliationAnswer, "description": "A run of the day is under way"},
        **described_errors(_ERRORS),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference(RequestReconciliationBody.__name__)}},
        },
        "security": [{"ApiKey": []}],
    },
}
"""The keyword arguments of the route."""

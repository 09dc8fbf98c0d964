"""What OpenAPI says of the endpoint."""

from typing import Any

from command_api.request_body import MAX_BODY_KIB
from infra.http.openapi import RATE_LIMITED, described_errors, reference
from schemas.http.exports import ExportAnswer, RecordExportBody

_ERRORS = {
    400: {
        "invalid_request": "The body is not JSON, or there is a query string",
        "card_number_refused": "A card number was sent",
    },
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope payments:read, or actor:set"},
    413: {"body_too_large": f"The body is larger than {MAX_BODY_KIB} KiB"},
    415: {"unsupported_media_type": "The body is not declared as JSON in UTF-8, or has a Content-Encoding"},
    422: {"invalid_request": "A field is missing, unknown or not valid; `errors` says which"},
    429: RATE_LIMITED,
    503: {"database_unavailable": "The event store cannot be reached; ask again"},
}

DOCUMENTED: dict[str, Any] = {
    "status_code": 201,
    "response_model": None,
    "responses": {
        201: {"model": ExportAnswer, "description": "It is recorded"},
        **described_errors(_ERRORS),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference(RecordExportBody.__name__)}},
        },
        "parameters": [
            {
                "name": "Paystream-Actor",
                "in": "header",
                "required": False,
                "description": "Which of the caller's people takes them; needs the scope `actor:set`.",
                "schema": {"type": "string"},
                "example": "anna",
            }
        ],
        "security": [{"ApiKey": []}],
    },
}
"""The keyword arguments of the route."""

"""What OpenAPI says of the endpoints."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from command_api.request_body import MAX_BODY_KIB
from infra.http.openapi import RATE_LIMITED, described_errors, reference

_READS: dict[int, dict[str, str]] = {
    400: {"invalid_request": "A parameter is unknown, missing or not valid, or the body is not JSON"},
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope admin:read"},
    429: RATE_LIMITED,
    501: {"erasure_not_configured": "This command API has no ERASURE_DATABASE_URL"},
    503: {"database_unavailable": "The event store cannot be reached; ask again"},
}
_WRITES: dict[int, dict[str, str]] = _READS | {
    400: {**_READS[400], "card_number_refused": "A card number was sent"},
    403: {"forbidden": "The API key lacks the scope admin:write"},
    409: {"erasure_refused": "Payments are under way, or somebody else does the same at this moment"},
    413: {"body_too_large": f"The body is larger than {MAX_BODY_KIB} KiB"},
    415: {"unsupported_media_type": "The body is not declared as JSON in UTF-8, or has a Content-Encoding"},
    422: {"invalid_request": "A field is missing, unknown or not valid; `errors` says which"},
}
_ACTOR: Mapping[str, Any] = {
    "name": "Paystream-Actor",
    "in": "header",
    "required": False,
    "description": "Which of the caller's people does it; needs the scope `actor:set`.",
    "schema": {"type": "string"},
    "example": "anna",
}


def documented(answer: type[BaseModel], said: str, body: type[BaseModel] | None = None) -> dict[str, Any]:
    """Return the keyword arguments of a route."""
    extra: dict[str, Any] = {}
    if body is not None:
        content = {"application/json": {"schema": reference(body.__name__)}}
        extra = {
            "security": [{"ApiKey": []}],
            "requestBody": {"required": True, "content": content},
            "parameters": [_ACTOR],
        }
    errors = _READS if body is None else _WRITES
    return {
        "response_model": None,
        "responses": {200: {"model": answer, "description": said}, **described_errors(errors)},
        "openapi_extra": extra,
    }

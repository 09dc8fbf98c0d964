"""What OpenAPI says of the webhook endpoint."""

from typing import Any

from command_api.webhooks.errors import InvalidEvent, InvalidSignature, LivemodeMismatch, TooLarge
from infra.http.problems import MEDIA_TYPE

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
_ANSWER = {
    "type": "object",
    "properties": {
        "received": {"type": "boolean", "const": True},
        "duplicate": {"type": "boolean", "description": "Whether it was recorded before."},
    },
    "required": ["received", "duplicate"],
}
_REFUSALS = "; ".join(f"`{each.code}`: {each.title}" for each in (InvalidSignature, InvalidEvent, LivemodeMismatch))

DOCUMENTED: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {"description": "Recorded", "content": {"application/json": {"schema": _ANSWER}}},
        400: {"description": _REFUSALS, "content": _PROBLEM},
        413: {"description": f"`{TooLarge.code}`: {TooLarge.title}", "content": _PROBLEM},
        415: {"description": "`unsupported_media_type`: the body has a Content-Encoding", "content": _PROBLEM},
        503: {
            "description": "`database_unavailable`, `shutting_down`: it may or may not be recorded",
            "content": _PROBLEM,
            "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
        },
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": "Stripe-Signature",
                "in": "header",
                "required": True,
                "description": "t=...,v1=...: https://docs.stripe.com/webhooks#verify-manually",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "description": "A snapshot event: https://docs.stripe.com/api/events/object",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
    },
}
"""The keyword arguments of the route."""

"""What OpenAPI says of the webhook endpoint."""

from typing import Any

from command_api.webhooks.errors import InvalidEvent, InvalidSignature, LivemodeMismatch, TooLarge
from infra.http.openapi import described_errors
from schemas.http.webhooks import WebhookAnswer

_ERRORS = {
    400: {each.code: each.title for each in (InvalidSignature, InvalidEvent, LivemodeMismatch)},
    413: {TooLarge.code: TooLarge.title},
    415: {"unsupported_media_type": "The body has a Content-Encoding"},
    503: {
        "database_unavailable": "It may or may not be recorded",
        "overloaded": "Too many are being recorded; it is not",
        "personal_data_unavailable": "A key of personal data cannot be had; it is not recorded",
        "shutting_down": "This process is stopping; it may or may not be recorded",
    },
}
_EVENT = {"id": "evt_1PXample", "object": "event", "type": "payment_intent.succeeded", "livemode": False}

DOCUMENTED: dict[str, Any] = {
    "response_model": None,
    "responses": {200: {"model": WebhookAnswer, "description": "Recorded"}, **described_errors(_ERRORS)},
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
            "content": {"application/json": {"schema": {"type": "object"}, "example": _EVENT}},
        },
        "security": [],
    },
}
"""The keyword arguments of the route: signed with the webhook secret, so without an API key."""

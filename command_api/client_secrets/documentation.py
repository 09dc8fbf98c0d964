"""What OpenAPI says of the client secret endpoint."""

from typing import Any

from command_api.errors import ERROR_SPECS
from infra.http.openapi import RATE_LIMITED, described_errors
from schemas.http.client_secrets import ClientSecretAnswer

_CODES = {
    400: {"invalid_request": "It has no query parameters"},
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope payments:write"},
    404: {"payment_not_found": ERROR_SPECS["payment_not_found"].title},
    409: {code: ERROR_SPECS[code].title for code in ("payment_not_at_stripe", "payment_over")},
    429: RATE_LIMITED,
    502: {"stripe_refused": "Stripe refused the question: see the logs for its reason"},
    503: {
        "stripe_unavailable": "Stripe does not answer",
        "stripe_throttled": "Stripe is not asked now, since it is down or asked too much",
        "database_unavailable": "The event store cannot be reached",
    },
}
_HEADERS = {
    "Cache-Control": {"description": "no-store", "schema": {"type": "string"}},
    "Preference-Applied": {"description": "wait=N, as granted.", "schema": {"type": "string"}},
}

DOCUMENTED: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {"model": ClientSecretAnswer, "description": "As Stripe has it now", "headers": _HEADERS},
        **described_errors(_CODES),
    },
    "openapi_extra": {
        "security": [{"ApiKey": []}],
        "parameters": [
            {
                "name": "Prefer",
                "in": "header",
                "required": False,
                "description": "wait=N waits for a payment that Stripe does not know yet, at most N seconds.",
                "schema": {"type": "string"},
                "example": "wait=10",
            }
        ],
    },
}
"""The keyword arguments of the route."""

"""What OpenAPI says of the endpoint."""

from typing import Any

from command_api.errors import ERROR_SPECS
from infra.http.openapi import RATE_LIMITED, described_errors
from schemas.http.payouts import PaidTransactionPage

_CODES = {
    400: {"invalid_request": "A parameter is unknown or not valid; `errors` says which"},
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope finance:read"},
    404: {"payout_items_unknown": ERROR_SPECS["payout_items_unknown"].title},
    429: RATE_LIMITED,
    502: {"stripe_refused": "Stripe refused the question: see the logs for its reason"},
    503: {
        "stripe_unavailable": "Stripe does not answer",
        "stripe_throttled": "Stripe is not asked now, since it is down or asked too much",
    },
}

DOCUMENTED: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {"model": PaidTransactionPage, "description": "As Stripe has it now"},
        **described_errors(_CODES),
    },
}
"""The keyword arguments of the route."""

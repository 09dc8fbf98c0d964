"""What OpenAPI says of the endpoints."""

from typing import Any

from pydantic import BaseModel

from command_api.request_body import MAX_BODY_KIB
from infra.http.openapi import RATE_LIMITED, described_errors, reference
from infra.webhooks_out.endpoints import MOST_ENDPOINTS
from infra.webhooks_out.rotation import MOST_SECRETS
from schemas.http.webhook_messages import WebhookMessage

NOT_FOUND = {404: {"webhook_endpoint_not_found": "No such webhook endpoint"}}
EXISTS = {"webhook_endpoint_exists": "There is an endpoint with this URL"}
TOO_MANY = {"too_many_webhook_endpoints": f"The merchant has {MOST_ENDPOINTS} endpoints"}
TOO_MANY_SECRETS = {
    "too_many_webhook_secrets": f"{MOST_SECRETS} secrets of the endpoint sign; `detail` says until when the first does"
}
DISABLED = {"webhook_endpoint_disabled": "The endpoint is disabled"}
DELIVERY_NOT_FOUND = {"webhook_delivery_not_found": "No such delivery"}
UNDER_WAY = {"webhook_replay_under_way": "A replay of the endpoint is under way"}
IN_FLIGHT = {"webhook_delivery_in_flight": "The delivery is being made at this moment"}

_ANY = {
    400: {"invalid_request": "A parameter is unknown, or there is a body, which is not taken here"},
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope webhooks:write"},
    429: RATE_LIMITED,
    503: {"database_unavailable": "The database cannot be reached; ask again"},
}
_WITH_BODY = {
    400: {
        "invalid_request": "The body is not JSON, or there is a query string",
        "card_number_refused": "A card number was sent",
    },
    413: {"body_too_large": f"The body is larger than {MAX_BODY_KIB} KiB"},
    415: {"unsupported_media_type": "The body is not declared as JSON in UTF-8, or has a Content-Encoding"},
    422: {"invalid_request": "A field is missing, unknown or not valid; `errors` says which"},
}

_EVENT_TEXT = """An event of a payment, in the order of each payment and at least once. It is signed as Standard
Webhooks 1 has it (https://www.standardwebhooks.com), in these headers:

- `webhook-id`: the event's id, the same each time that it comes.
- `webhook-timestamp`: when it was sent, in Unix seconds.
- `webhook-signature`: `v1,<base64>`; several with a space between, while secrets are replaced by others.
"""
PAYMENT_EVENT = {
    "payment_event": {
        "{$request.body#/url}": {
            "post": {
                "operationId": "receive_payment_event",
                "tags": ["webhook endpoints"],
                "summary": "Receive Payment Event",
                "description": _EVENT_TEXT,
                "security": [],  # the signature
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": reference(WebhookMessage.__name__)}},
                },
                "responses": {
                    "2XX": {"description": "Taken."},
                    "410": {"description": "Gone: the endpoint is disabled."},
                    "default": {"description": "Not taken: it is sent again, for three days."},
                },
            }
        }
    }
}
"""What an endpoint gets, as a callback of its creation: generators of clients make nothing of it. Of OpenAPI's
`webhooks`, that of openapi-generator for Python makes code that is not valid."""


def documented(
    answer: type[BaseModel] | None,
    *errors: dict[int, dict[str, str]],
    status: int = 200,
    body: type[BaseModel] | None = None,
    is_body_required: bool = True,
    description: str = "Done",
    callbacks: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the keyword arguments of a route. `errors` are those beside what any of them may answer."""
    codes: dict[int, dict[str, str]] = {}
    for each in (_ANY, _WITH_BODY if body is not None else {}, *errors):
        for code, meanings in each.items():
            codes[code] = {**codes.get(code, {}), **meanings}
    success: dict[str, Any] = {"description": description}
    if answer is not None:
        success["model"] = answer
    extra: dict[str, Any] = {"security": [{"ApiKey": []}]}
    if body is not None:
        content = {"application/json": {"schema": reference(body.__name__)}}
        extra["requestBody"] = {"required": is_body_required, "content": content}
    if callbacks is not None:
        extra["callbacks"] = callbacks
    return {
        "status_code": status,
        "response_model": None,
        "responses": {status: success, **described_errors(codes)},
        "openapi_extra": extra,
    }

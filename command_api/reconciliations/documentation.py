"""What OpenAPI says of the endpoint."""

from typing import Any

from command_api.bodies import MAX_BODY_KIB
from infra.http.problems import MEDIA_TYPE
from schemas.http.reconciliations import ReconciliationAnswer, RequestReconciliationBody

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
_ERRORS = {
    400: "`invalid_request`: the body is not JSON, or there is a query string; "
    "`card_number_refused`: a card number was sent",
    401: "`unauthenticated`: no API key, or an unknown one",
    403: "`forbidden`: the API key lacks the scope finance:write",
    413: f"`body_too_large`: the body is larger than {MAX_BODY_KIB} KiB",
    415: "`unsupported_media_type`: the body is not declared as JSON in UTF-8, or has a Content-Encoding",
    422: "`invalid_request`: a field is missing, unknown or not valid; `day_not_begun`: the day has not begun",
    503: "`database_unavailable`: the event store cannot be reached; ask again",
}

DOCUMENTED: dict[str, Any] = {
    "status_code": 202,
    "response_model": None,
    "responses": {
        202: {"model": ReconciliationAnswer, "description": "A run of the day is under way"},
        **{
            status: {
                "description": description,
                "content": _PROBLEM,
                **(
                    {"headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}}
                    if status == 503  # noqa: PLR2004
                    else {}
                ),
            }
            for status, description in _ERRORS.items()
        },
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{RequestReconciliationBody.__name__}"}}
            },
        },
        "security": [{"ApiKey": []}],
    },
}
"""The keyword arguments of the route."""

"""What OpenAPI says of the routes beyond their signatures."""

from typing import Any

from pydantic import BaseModel

from infra.http.problems import MEDIA_TYPE

_ERRORS = {
    400: "`invalid_request`: a parameter is unknown or not valid; `invalid_cursor`: it was not given by this API",
    401: "`unauthenticated`: no API key, or an unknown one",
    403: "`forbidden`: the API key lacks the scope finance:read",
    404: "`reconciliation_not_found`: no run of such a day was ever asked for",
    503: "`database_unavailable`, `query_timeout`: the read model did not answer",
}
_POSITION = {
    "Paystream-Position": {
        "description": "The position in the log up to which this answer reflects it.",
        "schema": {"type": "integer"},
    }
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_NOT_FOUND, _UNAVAILABLE = 404, 503


def documented(answer: type[BaseModel], *, one: bool = False) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`; `one`: of a path that may name nothing."""
    responses: dict[int, dict[str, Any]] = {200: {"model": answer, "description": "Found", "headers": _POSITION}}
    for status, description in _ERRORS.items():
        if status != _NOT_FOUND or one:
            responses[status] = {
                "description": description,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
                **({"headers": _RETRY_AFTER} if status == _UNAVAILABLE else {}),
            }
    return {"response_model": None, "responses": responses}

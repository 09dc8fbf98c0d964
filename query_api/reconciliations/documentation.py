"""What OpenAPI says of the routes beyond their signatures."""

from typing import Any

from pydantic import BaseModel

from infra.http.openapi import described_errors

_ERRORS = {
    400: {
        "invalid_request": "A parameter is unknown or not valid; `errors` says which",
        "invalid_cursor": "The cursor was not given by this API",
    },
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope finance:read"},
    404: {"reconciliation_not_found": "No run of such a day was ever asked for"},
    503: {
        "database_unavailable": "The read model cannot be reached",
        "query_timeout": "The database did not answer in time",
    },
}
_POSITION = {
    "Paystream-Position": {
        "description": "The position in the log up to which this answer reflects it.",
        "schema": {"type": "integer"},
    }
}
_NOT_FOUND = 404


def documented(answer: type[BaseModel], *, one: bool = False) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`; `one`: of a path that may name nothing."""
    errors = {status: codes for status, codes in _ERRORS.items() if one or status != _NOT_FOUND}
    found = {"model": answer, "description": "Found", "headers": _POSITION}
    return {"response_model": None, "responses": {200: found, **described_errors(errors)}}

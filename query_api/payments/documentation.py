"""What OpenAPI says of the reads of payments beyond their signatures."""

from typing import Any

from pydantic import BaseModel

from infra.http.position_tokens import POSITION_TOKEN
from query_api import documentation
from query_api.min_position import OTHER_CELL

PAYMENT_ETAG = "The payment's version."
ERRORS = {
    400: {OTHER_CELL: f"The position of {POSITION_TOKEN} is of another cell's log"},
    403: {"forbidden": "The API key lacks the scope payments:read"},
    503: {
        "projection_behind": "The position asked for was not reached in time, or is none of the log yet; has the lag"
    },
}
HISTORY_ERRORS = {501: {"history_not_configured": "This query API cannot show what a payment was"}}
_NOT_FOUND = {404: {"payment_not_found": "There is no such payment of this merchant"}}


def documented(
    answer: type[BaseModel], *, one: bool = False, etag: str | None = None, history: bool = False
) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`; `one`: of a path that may name nothing.

    `history`: it can show what was.
    """
    errors = ERRORS | (_NOT_FOUND if one else {}) | (HISTORY_ERRORS if history else {})
    return documentation.documented(answer, errors, etag=etag)

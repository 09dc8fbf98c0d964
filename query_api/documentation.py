"""What OpenAPI says of the routes beyond their signatures: headers of the answers, and every error by its code."""

from typing import Any

from pydantic import BaseModel

from infra.http.openapi import ApiDescription, described_errors
from schemas.http.problems import ProblemBody

DESCRIPTION = """
The read side of Paystream: payments as the events tell them, a moment after they were recorded, and the double-entry
ledger of what they moved at Stripe.

**Reading your own write.** A command answers with a `position`. Send it along (`min_position`, or the header
`Paystream-Min-Position`) and the answer is held until that event shows, for a bounded time; else 503
`projection_behind` says how far behind the read model is. Any position of the log will do, not only a payment's: the
answer then has all payments' events up to there. Answers say how far they reach in `Paystream-Position`.

**Pages.** Follow `next_cursor` while `has_more` is true, with the same filters.
"""

_POSITION = {
    "Paystream-Position": {
        "description": "The position in the log up to which this answer reflects it.",
        "schema": {"type": "integer"},
    }
}
API = ApiDescription(
    models=(ProblemBody,),
    tags={
        "payments": "Payments, and what happened to them.",
        "ledger": "What payments moved at Stripe, by double entry: for finance.",
        "reconciliations": "What differs between Stripe's books and the ledger: for finance.",
    },
    local_url="http://localhost:8001",
    names={
        "domain__ledger__postings__Kind": "LedgerEntryKind",
        "domain__reconciliation__values__Kind": "DiscrepancyKind",
    },
)
"""What the document says beyond the routes."""
_ERRORS: dict[int, dict[str, str]] = {
    400: {
        "invalid_request": "A parameter is unknown or not valid; `errors` says which",
        "invalid_cursor": "The cursor was not given by this API",
    },
    401: {"unauthenticated": "No API key, or an unknown one"},
    403: {"forbidden": "The API key lacks the scope that this needs: payments:read, or finance:read for the ledger"},
    404: {"payment_not_found": "There is no such payment of this merchant"},
    503: {
        "projection_behind": "The position asked for was not reached in time, or is none of the log yet; has the lag",
        "database_unavailable": "The read model cannot be reached",
        "query_timeout": "The database did not answer in time",
    },
}
_ALWAYS = (400, 401, 403, 503)


def documented(answer: type[BaseModel], *statuses: int, etag: str = "The payment's version.") -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`, or one of `statuses` beside the usual errors.

    `etag` says what the ETag is, for one that can answer 304.
    """
    tag = {"ETag": {"description": etag, "schema": {"type": "string"}}}
    headers = _POSITION | (tag if 304 in statuses else {})  # noqa: PLR2004
    errors = {status: _ERRORS[status] for status in {*_ALWAYS, *statuses} & _ERRORS.keys()}
    responses: dict[int | str, dict[str, Any]] = {200: {"model": answer, "description": "Found", "headers": headers}}
    if 304 in statuses:  # noqa: PLR2004
        responses[304] = {"description": "The client has this version already", "headers": headers}
    return {"response_model": None, "responses": {**responses, **described_errors(errors)}}

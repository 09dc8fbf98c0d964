"""What OpenAPI says of the query API as a whole, and of every read: headers, and errors by their code."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from infra.http.openapi import RATE_LIMITED, ApiDescription, described_errors
from infra.http.position_tokens import POSITION_TOKEN
from schemas.http.problems import ProblemBody

_TEXT = """
The read side of Paystream: payments as the events tell them, a moment after they were recorded, and the double-entry
ledger of what they moved at Stripe.

**Reading your own write.** A command answers with a `position`. Send it along (`min_position`, or the header
`Paystream-Min-Position`) and the answer is held until that event shows, for a bounded time; else 503
`projection_behind` says how far behind the read model is. Any position of the log will do, not only a payment's: the
answer then has all payments' events up to there. Answers say how far they reach in `Paystream-Position`. Where there
are cells, answers of both APIs have `Paystream-Position-Token` too, which names the cell: send it back under the same
name, and a cell that it is not of says so at once (400 `position_of_another_cell`).

**Pages.** Follow `next_cursor` while `has_more` is true, with the same filters.

**Limits.** Each API key may make so many requests of each class of routes. Answers say where it stands (`RateLimit`,
`RateLimit-Policy`); beyond, it is 429 `rate_limited` with `Retry-After`, and nothing was done.
"""

_POSITION = {
    "Paystream-Position": {
        "description": "The position in the log up to which this answer reflects it.",
        "schema": {"type": "integer"},
    },
    POSITION_TOKEN: {
        "description": "The same with the cell whose log it is of, where there are cells.",
        "schema": {"type": "string"},
    },
}
API = ApiDescription(
    title="Paystream query API",
    text=_TEXT,
    models=(ProblemBody,),
    tags={
        "payments": "Payments, and what happened to them.",
        "split payments": "Purchases that several payments pay, all or nothing.",
        "merchant": "What the merchant's own payments moved at Stripe, and what differs there.",
        "ledger": "What payments moved at Stripe, by double entry: for finance.",
        "payouts": "What Stripe paid out to the bank: for finance.",
        "reconciliations": "What differs between Stripe and the ledger: for finance.",
        "audit": "Who did what, what was erased, how far the log is sealed, and proofs of its events: for auditors.",
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
    429: RATE_LIMITED,
    503: {
        "database_unavailable": "The read model cannot be reached",
        "query_timeout": "The database did not answer in time",
        "overloaded": "Too many reads wait for the database already; nothing was read",
    },
}
"""Of every read."""


def documented(
    answer: type[BaseModel], errors: Mapping[int, Mapping[str, str]], *, etag: str | None = None
) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`, or one of `errors` beside those of every read.

    `etag` says what the ETag is, for one that can answer 304.
    """
    tag = {} if etag is None else {"ETag": {"description": etag, "schema": {"type": "string"}}}
    headers = _POSITION | tag
    responses: dict[int | str, dict[str, Any]] = {200: {"model": answer, "description": "Found", "headers": headers}}
    if etag is not None:
        responses[304] = {"description": "The client has this version already", "headers": headers}
    every = {status: {**errors.get(status, {}), **_ERRORS.get(status, {})} for status in {*errors, *_ERRORS}}
    return {"response_model": None, "responses": {**responses, **described_errors(every)}}

"""The endpoint that lists what Stripe told by webhooks, or was asked for by the sweeper."""

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from psycopg.rows import dict_row

from infra.http.operations import answer, documented, operator_of
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.http.operations import StripeEventPage
from schemas.http.strict import IN_DIGITS
from schemas.http.times import timestamp

READ: Final = "admin:read"
_SQL = Queries.load(Path(__file__).with_name("stripe_events.sql"))
_LOOKED_AT = 20_000
"""Positions for a page: events of Stripe are at least some of the events of any busy time."""
_LARGEST = 2**63 - 1

router = APIRouter(tags=["system"])


@router.get("/stripe-events", **documented(StripeEventPage, READ))
async def list_stripe_events(
    request: Request,
    before: Annotated[
        int | None, Query(ge=1, le=_LARGEST, description="The `next_before` of the page before."), IN_DIGITS
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="The most to list."), IN_DIGITS] = 50,
) -> Response:
    """List what Stripe told, newest first. A page may be empty and not the last: follow `next_before`."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        return answer(await _page(conn, before, limit))


async def _page(conn: Connection, before: int | None, limit: int) -> dict[str, Any]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        if before is None:
            await cursor.execute(_SQL.newest)
            newest = await cursor.fetchone()
            before = 1 if newest is None else newest["position"] + 1
        first = max(1, before - _LOOKED_AT)
        await cursor.execute(_SQL.stripe_events, {"before": before, "from": first, "limit": limit})
        found = await cursor.fetchall()
    reached = found[-1]["position"] if len(found) == limit else first
    return {
        "data": [
            each | {"created_at": timestamp(each["created_at"]), "received_at": timestamp(each["received_at"])}
            for each in found
        ],
        "next_before": reached if reached > 1 else None,
    }

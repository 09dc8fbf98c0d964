"""The endpoints that show what Stripe told by webhooks, or was asked for by the sweeper."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter
from psycopg.rows import dict_row
from pydantic import StringConstraints

from domain.ids import StripeEventId
from infra.errors import Missing
from infra.http.operations import READ, answer, documented, operator_of
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.events.stripe_events import stream_id_of
from schemas.http.strict import IN_DIGITS
from schemas.http.stripe_events import StripeEventPage, StripeEventView
from schemas.http.times import timestamp

_SQL = Queries.load(Path(__file__).with_name("stripe_events.sql"))
_LOOKED_AT = 20_000
"""Positions for a page: events of Stripe are at least some of the events of any busy time."""
_LARGEST = 2**63 - 1
_ID = r"^[a-z]{2,10}_[A-Za-z0-9_]{1,200}$"

router = APIRouter(tags=["system"])


class StripeEventMissing(Missing):
    """There is no such event."""


@router.get("/stripe-events", **documented(StripeEventPage, READ))
async def list_stripe_events(
    request: Request,
    before: Annotated[
        int | None, Query(ge=1, le=_LARGEST, description="The `next_before` of the page before."), IN_DIGITS
    ] = None,
    object_id: Annotated[
        list[Annotated[str, StringConstraints(pattern=_ID)]] | None,
        Query(max_length=100, description="Only about these of Stripe's objects (pi_..., re_...). May be repeated."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to list at most."), IN_DIGITS] = 50,
) -> Response:
    """List what Stripe told, newest first. A page may be empty and not the last: follow `next_before`."""
    operator = await operator_of(request, READ, lists=("object_id",))
    async with operator.operations.connection() as conn:
        return answer(await _page(conn, before, limit, object_id))


@router.get("/stripe-events/{stripe_event_id}", **documented(StripeEventView, READ, one=True))
async def get_stripe_event(
    request: Request,
    stripe_event_id: Annotated[str, PathParameter(pattern=_ID, description="Stripe's id of it (evt_...).")],
) -> Response:
    """Show what Stripe told by one event. One that was archived is not in the log any more."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        at = {"stream_id": stream_id_of(StripeEventId(stripe_event_id))}
        found = await (await conn.execute(_SQL.position_of, at)).fetchone()
        events = [] if found is None else await _events(conn, before=found[0] + 1, first=found[0], limit=1)
        if not events:
            raise StripeEventMissing("There is no such event of Stripe in the log.")
    return answer(_view(events[0]))


def _view(found: dict[str, Any]) -> dict[str, Any]:
    """Return the members of `StripeEventView`."""
    moments = {name: timestamp(found[name]) for name in ("created_at", "received_at")}
    return found | moments


async def _page(conn: Connection, before: int | None, limit: int, object_ids: list[str] | None) -> dict[str, Any]:
    if before is None:
        newest = await (await conn.execute(_SQL.newest)).fetchone()
        before = 1 if newest is None else newest[0] + 1
    first = max(1, before - _LOOKED_AT)
    found = await _events(conn, before=before, first=first, limit=limit, object_ids=object_ids)
    reached = found[-1]["position"] if len(found) == limit else first
    return {
        "data": [_view(each) for each in found],
        "next_before": reached if reached > 1 else None,
    }


async def _events(
    conn: Connection, *, before: int, first: int, limit: int, object_ids: list[str] | None = None
) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        parameters = {"before": before, "from": first, "limit": limit, "object_ids": object_ids}
        await cursor.execute(_SQL.stripe_events, parameters)
        return await cursor.fetchall()

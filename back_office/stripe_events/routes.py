"""The inbox of Stripe's events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import with_query
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@router.get("/stripe-events")
async def list_stripe_events(
    request: Request, visitor: Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))], before: str = ""
) -> Response:
    """Show what Stripe told, newest first."""
    office = office_of(request)
    found = (
        await office.admin_api.get("/stripe-events", {"limit": "50"} | ({"before": before} if before else {}))
    ).body
    following = found["next_before"]
    return page(
        request,
        "stripe_events/list.html",
        visitor,
        events=found["data"],
        next_page=with_query("/stripe-events", {"before": str(following)}) if following else None,
        first_page="/stripe-events" if before else None,
        dashboard=office.stripe_dashboard,
    )

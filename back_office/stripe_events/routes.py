"""The inbox of Stripe's events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.lists import page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@router.get("/stripe-events")
async def list_stripe_events(
    request: Request,
    visitor: Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))],
    before: str = "",
    about: Annotated[tuple[str, ...], Query()] = (),
) -> Response:
    """Show what Stripe told, newest first: all of it, or what is about some of its objects."""
    office = office_of(request)
    given: dict[str, str | int | list[str]] = {"limit": "50"}
    if before:
        given["before"] = before
    if about:
        given["object_id"] = list(about)
    found = (await office.admin_api.get("/stripe-events", given)).body
    return page(
        request,
        "stripe_events/list.html",
        visitor,
        events=found["data"],
        about=about,
        pages=page_links(
            "/stripe-events",
            [("about", each) for each in about],
            shown=before,
            following=found["next_before"],
            parameter="before",
        ),
        dashboard=office.stripe_dashboard,
    )

"""The list of disputes by due date."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.disputes.due import due_of
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import with_query
from back_office.web.lists import page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()

STAGES = {
    "needs_response": "Need evidence",
    "under_review": "The bank decides",
    "closed": "Closed",
    "all": "All",
}
_PAGE = "25"


@router.get("/disputes")
async def list_disputes(
    *,
    request: Request,
    visitor: Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS))],
    stage: str = "",
    cursor: str = "",
) -> Response:
    """Show disputes, the most urgent first: those that need evidence, unless the address says otherwise."""
    stage = stage if stage in STAGES else "needs_response"
    parameters = (
        {"limit": _PAGE} | ({} if stage == "all" else {"stage": stage}) | ({"cursor": cursor} if cursor else {})
    )
    office = office_of(request)
    found = (await office.query_api.get("/disputes", parameters)).body
    now = datetime.now(UTC)
    return page(
        request,
        "disputes/list.html",
        visitor,
        stages=[(name, label, with_query("/disputes", {"stage": name})) for name, label in STAGES.items()],
        stage=stage,
        disputes=[(each, due_of(each, now)) for each in found["data"]],
        pages=page_links("/disputes", {"stage": stage}, shown=cursor, following=found["next_cursor"]),
        dashboard=office.stripe_dashboard,
    )

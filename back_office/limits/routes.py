"""The limits that are in force in the command API."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@router.get("/limits")
async def list_limits(
    request: Request, visitor: Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]
) -> Response:
    """Show them with the settings that give them."""
    found = (await office_of(request).admin_api.get("/limits")).body
    return page(request, "limits/list.html", visitor, limits=found["data"])

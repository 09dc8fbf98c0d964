"""Sagas: their list, one of them, and to retry what it takes back or to give it up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.office import Office, office_of
from back_office.operations.forms import Subject, add_operation
from back_office.operations.operation import StaffOperation
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires
from back_office.web.words import words

router = APIRouter()

Looker = Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]

_MOST = "100"

RETRY = StaffOperation(
    name="retry",
    title="Retry what a saga takes back",
    button="Retry",
    consequence="What was not taken back is tried again at once.",
    permission=Permission.OPERATE,
)
GIVE_UP = StaffOperation(
    name="give-up",
    title="Give up a saga",
    button="Give up",
    consequence="It ends as it is. What was not taken back stands, and is named in the event.",
    permission=Permission.OPERATE,
    is_dangerous=True,
    has_force=True,
    force_label="Even if it may still come to an end by itself",
)


@router.get("/sagas")
async def list_sagas(request: Request, visitor: Looker) -> Response:
    """Show sagas that have not ended."""
    found = (await office_of(request).admin_api.get("/sagas", {"limit": _MOST})).body
    return page(request, "sagas/list.html", visitor, sagas=found["data"], count=found["count"])


@router.get("/sagas/{saga_id}")
async def show_saga(request: Request, visitor: Looker, saga_id: str) -> Response:
    """Show a saga, what it waits for, and what happened to it."""
    found = (await office_of(request).admin_api.get(f"/sagas/{segment(saga_id)}")).body
    return page(request, "sagas/show.html", visitor, saga=found)


async def _saga(office: Office, saga_id: str) -> Subject:
    saga = (await office.admin_api.get(f"/sagas/{saga_id}")).body
    details = [("Saga", f"{words(saga['kind'])} {saga['id']}"), ("Status", words(saga["status"]))]
    details += [("Waits for", each) for each in saga["waits_for"]]
    return Subject(details=details, back=f"/sagas/{saga_id}")


for _operation in (RETRY, GIVE_UP):
    add_operation(router, _operation, place="/sagas", find=_saga)

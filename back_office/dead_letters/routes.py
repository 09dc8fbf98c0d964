"""Dead letters: their list, one of them, and to replay or to discard it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.office import Office, office_of
from back_office.operations.forms import Subject, add_operation
from back_office.operations.operation import StaffOperation
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires
from back_office.web.words import counted

router = APIRouter()

Looker = Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]

_MOST = "100"
_SHOWN_IDS = 20

REPLAY = StaffOperation(
    name="replay",
    title="Replay dead letters",
    button="Replay",
    consequence="The running consumer applies all of the list above again, in their order. If one fails again, those "
    "behind it go on waiting.",
    permission=Permission.OPERATE,
)
DISCARD = StaffOperation(
    name="discard",
    title="Discard a dead letter",
    button="Discard",
    consequence="The consumer will never apply it, also when it is delivered again. What waits behind it waits for a "
    "replay.",
    permission=Permission.OPERATE,
    is_dangerous=True,
)


@router.get("/dead-letters")
async def list_dead_letters(request: Request, visitor: Looker, resolved: str = "") -> Response:
    """Show dead letters that are open, or all."""
    parameters = {"limit": _MOST} | ({"resolved": "true"} if resolved else {})
    found = (await office_of(request).admin_api.get("/dead-letters", parameters)).body
    return page(
        request,
        "dead_letters/list.html",
        visitor,
        dead_letters=found["data"],
        count=found["count"],
        resolved=bool(resolved),
    )


@router.get("/dead-letters/{dead_letter_id}")
async def show_dead_letter(request: Request, visitor: Looker, dead_letter_id: str) -> Response:
    """Show a dead letter, and what a replay of it applies."""
    found = (await office_of(request).admin_api.get(f"/dead-letters/{segment(dead_letter_id)}")).body
    return page(request, "dead_letters/show.html", visitor, letter=found)


async def _dead_letter(office: Office, dead_letter_id: str) -> Subject:
    letter = (await office.admin_api.get(f"/dead-letters/{dead_letter_id}")).body
    queue = letter["queue"] or [letter["id"]]
    details = [
        ("Dead letter", f"{letter['id']} of {letter['consumer']}"),
        ("Stream", letter["stream"] or "None: nothing waits behind it"),
        ("Why", letter["error"]),
        ("It concerns", f"{counted(len(queue), 'record')}, in this order"),
    ]
    listed = [f"Dead letter {each}" for each in queue[:_SHOWN_IDS]]
    if len(queue) > _SHOWN_IDS:
        listed.append(f"and {len(queue) - _SHOWN_IDS} more")
    is_open = letter["status"] in {"open", "replaying"}
    return Subject(details=details, back=f"/dead-letters/{dead_letter_id}", listed=listed, is_possible=is_open)


for _operation in (REPLAY, DISCARD):
    add_operation(router, _operation, place="/dead-letters", find=_dead_letter)

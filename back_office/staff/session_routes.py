"""Where somebody is logged in, and how they end a session that they left open."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.apis.errors import Json
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires
from back_office.web.words import ago_words

log = structlog.get_logger(__name__)

router = APIRouter()

Self = Annotated[Visitor, Depends(requires(Permission.SEE_OWN_SESSIONS, form_page=lambda *_: "/sessions"))]

_OF_THEIR_OWN = "all other sessions of their own"


@router.get("/sessions")
async def list_sessions(request: Request, visitor: Self) -> Response:
    """Show somebody their own sessions."""
    found = [
        (session, ago_words(began_s), ago_words(seen_s))
        for session, began_s, seen_s in office_of(request).sessions.of(visitor.name)
    ]
    return page(request, "sessions.html", visitor, sessions=found)


@router.post("/sessions/revoke")
async def revoke(request: Request, visitor: Self) -> Response:
    """End one of their other sessions, or all others in every process. Raises FormRefused, ApiAway and ApiRefused."""
    fields = await visitor.form(request)
    office, number = office_of(request), fields.get("number") or None
    ended = office.sessions.revoke(visitor.name, number=number, but=visitor.session)
    if number is None:
        path, body = f"/staff/{segment(visitor.name)}/end-sessions", {"reason": _OF_THEIR_OWN}
        answer = await office.admin_api.post(path, body, visitor.headers(request))
        keep_own_session(visitor, visitor.name, answer.body)
        office.locks.forget()
        visitor.session.notice = f"All others end within seconds; {ended} ended here."
    else:
        visitor.session.notice = f"{ended} ended." if ended else "It was ended already."
    log.info("staff_sessions_revoked", count=ended)
    return RedirectResponse("/sessions", status_code=303)


def keep_own_session(visitor: Visitor, name: str, end: Json) -> None:
    """Have the visitor's session, if it is one of the name, count as one that began after all of them were ended.

    One that a lock had ended before, of which this process does not know yet, stays ended. So does every one where the
    command API is of a release that does not say whether there was a lock.
    """
    before = end["position_before"] if "position_before" in end else end["position"]
    if visitor.name == name and before <= visitor.session.lock_position:
        visitor.session.lock_position = end["position"]

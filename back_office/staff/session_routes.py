"""Where somebody is logged in, and how they end a session that they left open."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

log = structlog.get_logger(__name__)

router = APIRouter()

Self = Annotated[Visitor, Depends(requires(Permission.SEE_OWN_SESSIONS))]

_MINUTE_S = 60


@router.get("/sessions")
async def list_sessions(request: Request, visitor: Self) -> Response:
    """Show somebody their own sessions."""
    found = [
        (session, _ago(began_s), _ago(seen_s))
        for session, began_s, seen_s in office_of(request).sessions.of(visitor.name)
    ]
    return page(request, "sessions.html", visitor, sessions=found)


def _ago(seconds: float) -> str:
    minutes = int(seconds // _MINUTE_S)
    if minutes == 0:
        return "just now"
    return f"{minutes} minute{'' if minutes == 1 else 's'} ago"


@router.post("/sessions/revoke")
async def revoke(request: Request, visitor: Self) -> Response:
    """End one of their other sessions, or all others. Raises FormRefused."""
    fields = await visitor.form(request)
    number = fields.get("number") or None
    ended = office_of(request).sessions.revoke(visitor.name, number=number, but=visitor.session)
    log.info("staff_sessions_revoked", count=ended)
    visitor.session.notice = "It was ended already." if not ended else f"{ended} ended."
    return RedirectResponse("/sessions", status_code=303)

"""How a session begins, whichever way somebody has shown who they are."""

import structlog
from fastapi import Request, Response

from back_office.office import office_of
from back_office.staff.locks import KnownLocks
from back_office.staff.login_page import LOGIN_COOKIE, LOGINS
from back_office.web.visitor import cookie_name, set_cookie
from infra.settings.staff import StaffAccount

log = structlog.get_logger(__name__)


def begin_session(
    request: Request, response: Response, account: StaffAccount, *, locks: KnownLocks, method: str, session_before: str
) -> None:
    """Begin a session, and give the browser its cookie. `session_before` ends: nobody may have planted it."""
    office = office_of(request)
    LOGINS.labels("succeeded").inc()
    log.info("staff_logged_in", staff=account.name, role=account.role, method=method)
    office.sessions.end(session_before)
    session_id = office.sessions.begin(
        account,
        browser=request.headers.get("user-agent", ""),
        lock_position=locks.last_position(account.name),
    )
    set_cookie(response, office, cookie_name(office), session_id)
    set_cookie(response, office, LOGIN_COOKIE, None, path="/login")

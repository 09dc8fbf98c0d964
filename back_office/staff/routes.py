"""Log-in and log-out."""

import hmac

import structlog
from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from back_office.apis.errors import ApiError
from back_office.office import Office, office_of
from back_office.staff.log_in import begin_session
from back_office.staff.login_page import LOGIN_COOKIE, LOGINS, locks_unknown, login_page
from back_office.staff.recovery import record_sign_in, use_recovery_code
from back_office.web.addresses import START, safe_next
from back_office.web.forms import FormRefused, read_form
from back_office.web.visitor import Visitor, cookie_name, set_cookie
from infra.settings.staff import StaffAccount

log = structlog.get_logger(__name__)

router = APIRouter()

_NO_PASSWORDS = "Passwords open nothing here: log in by single sign-on."
_WRONG = "That name and password do not belong together, or the code is not right."


@router.get("/login")
async def show_login(request: Request, next: str = START) -> Response:  # noqa: A002 - the name in the address
    """Show the form."""
    return login_page(request, next=next)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begin a session, and show what was asked for. Raises FormRefused."""
    office = office_of(request)
    fields = await read_form(request)
    if not office.has_passwords:
        return login_page(request, next=fields.get("next", START), error=_NO_PASSWORDS, status=403)
    known = request.cookies.get(LOGIN_COOKIE, "")
    if not known or not hmac.compare_digest(known.encode(), fields.get("csrf_token", "").encode()):
        raise FormRefused("The page was open for too long, or cookies are refused. Open it again.")
    name, password, then = fields.get("name", "").strip(), fields.get("password", ""), fields.get("next", START)
    if (locked_s := office.lockout.locked_for_s(name)) > 0:
        return _locked(request, name, locked_s, then)
    try:
        staff_locks = await office.locks.current()
    except ApiError as error:
        return locks_unknown(request, next=then, name=name, error=error)
    locks = office.lockout.attempt(name)
    account = await office.accounts.knows(name, password)
    if account is not None and staff_locks.of(account.name) is not None:  # who guesses does not learn that it is locked
        log.warning("staff_login_of_locked_account", staff=account.name)
        account = None
    factor = None if account is None else await _second_factor(office, account, fields.get("code", ""))
    if account is None or factor is None or not await record_sign_in(office.admin_api, account, factor):
        return _failed(request, name, then, locks=locks)
    office.lockout.succeeded(name)
    response = RedirectResponse(safe_next(then), status_code=303)
    begin_session(
        request,
        response,
        account,
        locks=staff_locks,
        method="password",
        session_before=request.cookies.get(cookie_name(office), ""),
    )
    return response


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session, for good. Raises FormRefused."""
    office = office_of(request)
    session_id = request.cookies.get(cookie_name(office), "")
    session = office.sessions.find(session_id)
    if session is not None:
        await Visitor(session=session, form_page=lambda *_: START).form(request)
        office.sessions.end(session_id)
        log.info("staff_logged_out", staff=session.account.name)
    response = RedirectResponse("/login", status_code=303)
    set_cookie(response, office, cookie_name(office), None)
    return response


async def _second_factor(office: Office, account: StaffAccount, code: str) -> str | None:
    """Return what somebody has beside the password, as events say it; None: nothing that opens.

    Raises ApiAway and ApiRefused while recovery codes cannot be looked up.
    """
    if account.totp_secret is None:
        return "none"
    if office.accounts.has_app(account, code):
        return "totp"
    is_app_code = code.replace(" ", "").isdecimal()
    if not is_app_code and await use_recovery_code(office.admin_api, account, code.strip()):
        return "recovery_code"
    return None


def _failed(request: Request, name: str, then: str, *, locks: bool) -> Response:
    LOGINS.labels("failed").inc()
    log.warning("staff_login_failed", locked=locks)  # without the name: passwords are typed into its field too
    return login_page(request, next=then, name=name, error=_WRONG, status=401)


def _locked(request: Request, name: str, locked_s: float, then: str) -> Response:
    LOGINS.labels("locked").inc()
    minutes = max(1, round(locked_s / 60))
    error = f"Too many wrong passwords. This name is locked for {minutes} more minute{'s' if minutes > 1 else ''}."
    response = login_page(request, next=then, name=name, error=error, status=429)
    response.headers["Retry-After"] = str(round(locked_s))
    return response

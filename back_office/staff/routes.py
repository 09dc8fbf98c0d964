"""Log-in and log-out."""

import hmac
import secrets

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import Counter
from starlette.responses import RedirectResponse

from back_office.apis.errors import ApiError, ApiRefused
from back_office.office import Office, office_of
from back_office.staff.recovery import record_sign_in, use_recovery_code
from back_office.web.addresses import START, safe_next
from back_office.web.forms import FormRefused, read_form
from back_office.web.templates import page
from back_office.web.visitor import Visitor, cookie_name, set_cookie
from infra.settings.staff import StaffAccount

log = structlog.get_logger(__name__)

LOGINS = Counter("back_office_logins_total", "Log-ins to the back office, by how they ended", ["result"])
for _result in ("succeeded", "failed", "locked", "unavailable"):
    LOGINS.labels(_result)

router = APIRouter()

_LOGIN_COOKIE = "paystream_login"
_KEY_REFUSED = {401, 403}
_WRONG = "That name and password do not belong together, or the code is not right."


@router.get("/login")
async def show_login(request: Request, next: str = START) -> Response:  # noqa: A002 - the name in the address
    """Show the form."""
    return _form(request, next=next)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begin a session, and show what was asked for. Raises FormRefused."""
    office = office_of(request)
    fields = await read_form(request)
    known = request.cookies.get(_LOGIN_COOKIE, "")
    if not known or not hmac.compare_digest(known.encode(), fields.get("csrf_token", "").encode()):
        raise FormRefused("The page was open for too long, or cookies are refused. Open it again.")
    name, password, then = fields.get("name", "").strip(), fields.get("password", ""), fields.get("next", START)
    if (locked_s := office.lockout.locked_for_s(name)) > 0:
        return _locked(request, name, locked_s, then)
    try:
        staff_locks = await office.locks.current()
    except ApiError as error:
        return _unavailable(request, name, then, error)
    locks = office.lockout.attempt(name)
    account = await office.accounts.knows(name, password)
    if account is not None and staff_locks.of(account.name) is not None:  # who guesses does not learn that it is locked
        log.warning("staff_login_of_locked_account", staff=account.name)
        account = None
    factor = None if account is None else await _second_factor(office, account, fields.get("code", ""))
    if account is None or factor is None or not await record_sign_in(office.admin_api, account, factor):
        return _failed(request, name, then, locks=locks)
    office.lockout.succeeded(name)
    LOGINS.labels("succeeded").inc()
    log.info("staff_logged_in", staff=account.name, role=account.role)
    response = RedirectResponse(safe_next(then), status_code=303)
    office.sessions.end(request.cookies.get(cookie_name(office), ""))  # nobody may have planted the one in use
    set_cookie(
        response,
        office,
        cookie_name(office),
        office.sessions.begin(
            account,
            browser=request.headers.get("user-agent", ""),
            lock_position=staff_locks.last_position(account.name),
        ),
    )
    set_cookie(response, office, _LOGIN_COOKIE, None, path="/login")
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
    return _form(request, next=then, name=name, error=_WRONG, status=401)


def _unavailable(request: Request, name: str, then: str, error: ApiError) -> Response:
    LOGINS.labels("unavailable").inc()
    log.warning("staff_login_unavailable", error=str(error))
    said = "Nobody can log in at this moment: the command API does not say who is locked. Try again in a moment."
    if isinstance(error, ApiRefused) and error.status in _KEY_REFUSED:
        said = (
            "Nobody can log in: the command API does not accept the back office's API key, so it does not say who is "
            "locked. Whoever runs the system gives the key the scopes of docs/back-office.md."
        )
    response = _form(request, next=then, name=name, error=said, status=503)
    response.headers["Retry-After"] = "5"
    return response


def _locked(request: Request, name: str, locked_s: float, then: str) -> Response:
    LOGINS.labels("locked").inc()
    minutes = max(1, round(locked_s / 60))
    error = f"Too many wrong passwords. This name is locked for {minutes} more minute{'s' if minutes > 1 else ''}."
    response = _form(request, next=then, name=name, error=error, status=429)
    response.headers["Retry-After"] = str(round(locked_s))
    return response


def _form(
    request: Request,
    *,
    next: str,  # noqa: A002 - the name of the field
    name: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    token = secrets.token_urlsafe(32)
    shown = {"next": safe_next(next), "name": name, "error": error, "csrf_token": token}
    response = page(request, "login.html", None, status=status, **shown)
    set_cookie(response, office_of(request), _LOGIN_COOKIE, token, path="/login")
    return response

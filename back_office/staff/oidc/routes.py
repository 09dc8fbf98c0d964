"""Log-in by single sign-on: to the provider, and back."""

import structlog
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from back_office.apis.errors import ApiError
from back_office.office import Office, office_of
from back_office.staff.log_in import begin_session
from back_office.staff.login_page import LOGINS, locks_unknown, login_page
from back_office.staff.oidc.errors import ProviderAway, SignOnError
from back_office.staff.oidc.sign_on import SignOn
from back_office.staff.oidc.waiting import LASTS_S, WaitingLogin
from back_office.staff.recovery import record_sign_in
from back_office.web.addresses import START, safe_next, with_query
from back_office.web.forms import comes_from_here
from back_office.web.templates import page
from back_office.web.visitor import cookie_name, set_cookie
from infra.settings.staff import StaffAccount

log = structlog.get_logger(__name__)

router = APIRouter()

_NOT_FOUND = 404
_NOT_BEGUN = "This log-in was begun in another browser, more than ten minutes ago, or was used before. Begin it again."
_AWAY = "The provider of single sign-on does not answer as it should. Try again in a moment."
_REFUSED = "The provider of single sign-on did not let you in. Nothing was done here."
_NOT_TRUSTED = (
    "What the provider of single sign-on said of you could not be trusted, so nobody was logged in. Begin again; if it "
    "comes back, tell who runs the system."
)
_UNVERIFIED = "The provider of single sign-on has not verified your e-mail address, so it opens nothing here."
_NO_ACCOUNT = (
    "You are known to the provider of single sign-on, and have no account here. An operator can tell you more."
)
_LOCKED = "Your account is locked. An operator can tell you more."


@router.get("/login/oidc")
async def go_to_provider(request: Request, next: str = START) -> Response:  # noqa: A002 - the name in the address
    """Send the browser to the provider."""
    office, sign_on = office_of(request), _sign_on(request)
    if not comes_from_here(request):  # no other site begins a log-in
        return RedirectResponse(with_query("/login", {"next": safe_next(next)}), status_code=303)
    session_id = request.cookies.get(cookie_name(office), "")
    login = sign_on.waiting.begin(next=safe_next(next), session_id=session_id)
    try:
        address = await sign_on.provider.authorization_address(login)
    except SignOnError as error:
        return _not_in(request, login, error)
    response = RedirectResponse(address, status_code=303)
    _set_browser(response, office, login.browser)
    return response


@router.get("/login/oidc/callback")
async def come_back(request: Request) -> Response:
    """Begin a session for whoever the provider says it is."""
    office, sign_on = office_of(request), _sign_on(request)
    said = request.query_params
    browser = request.cookies.get(_browser_cookie(office), "")
    login = sign_on.waiting.take(state=said.get("state", ""), browser=browser)
    if "error" in said:  # some providers leave the state out then
        reason = "access_denied" if said["error"] == "access_denied" else "error of the provider"
        return _refused(request, START if login is None else login.next, _REFUSED, reason=reason)
    if login is None:
        return _refused(request, START, _NOT_BEGUN, reason="state")
    if "code" not in said:
        return _refused(request, login.next, _NOT_TRUSTED, reason="no code")
    try:
        claims = await sign_on.provider.claims_of(said["code"], login, issuer=said.get("iss"))
        account = sign_on.identities.account_of(claims)
    except SignOnError as error:
        return _not_in(request, login, error)
    if account is None:
        return _refused(request, login.next, _NO_ACCOUNT, reason="no account")
    return await _let_in(request, account, login)


async def _let_in(request: Request, account: StaffAccount, login: WaitingLogin) -> Response:
    office = office_of(request)
    try:
        locks = await office.locks.current()
    except ApiError as error:
        return locks_unknown(request, next=login.next, error=error)
    if locks.of(account.name) is not None or not await record_sign_in(office.admin_api, account, "none", method="oidc"):
        log.warning("staff_login_of_locked_account", staff=account.name)
        return _refused(request, login.next, _LOCKED, reason="locked")
    # A page, and no redirect: with one that the provider's began, a browser would not send the strict cookie.
    response = page(request, "logged_in.html", None, next=login.next)
    begin_session(request, response, account, locks=locks, method="oidc", session_before=login.session_id)
    _set_browser(response, office, None)
    return response


def _not_in(request: Request, login: WaitingLogin, error: SignOnError) -> Response:
    if isinstance(error, ProviderAway):
        LOGINS.labels("unavailable").inc()
        log.warning("staff_sign_on_unavailable", reason=error.reason)
        response = login_page(request, next=login.next, error=_AWAY, status=503)
        response.headers["Retry-After"] = "5"
        return response
    said = _UNVERIFIED if error.reason == "claim email_verified" else _NOT_TRUSTED
    return _refused(request, login.next, said, reason=error.reason)


def _refused(request: Request, then: str, said: str, *, reason: str) -> Response:
    LOGINS.labels("failed").inc()
    log.warning("staff_sign_on_refused", reason=reason)
    response = login_page(request, next=then, error=said, status=403)
    _set_browser(response, office_of(request), None)
    return response


def _sign_on(request: Request) -> SignOn:
    sign_on = office_of(request).sign_on
    if sign_on is None:
        raise HTTPException(_NOT_FOUND)
    return sign_on


def _browser_cookie(office: Office) -> str:
    return "__Host-paystream_oidc" if office.tls else "paystream_oidc"


def _set_browser(response: Response, office: Office, secret: str | None) -> None:
    """Set the cookie that the browser is known by when the provider's page leads back: lax, as that is another site."""
    set_cookie(response, office, _browser_cookie(office), secret, samesite="lax", max_age=LASTS_S)

"""The page of the log-in, and what it says when nobody came in."""

import secrets

import structlog
from fastapi import Request, Response
from prometheus_client import Counter

from back_office.apis.errors import ApiError, ApiRefused
from back_office.office import office_of
from back_office.web.addresses import safe_next
from back_office.web.templates import page
from back_office.web.visitor import set_cookie

log = structlog.get_logger(__name__)

LOGINS = Counter("back_office_logins_total", "Log-ins to the back office, by how they ended", ["result"])
for _result in ("succeeded", "failed", "locked", "unavailable"):
    LOGINS.labels(_result)

LOGIN_COOKIE = "paystream_login"
_KEY_REFUSED = {401, 403}


def login_page(
    request: Request,
    *,
    next: str,  # noqa: A002 - the name of the field
    name: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    """Return the page with each way in that there is."""
    office = office_of(request)
    token = secrets.token_urlsafe(32)
    response = page(
        request,
        "login.html",
        None,
        status=status,
        next=safe_next(next),
        name=name,
        error=error,
        csrf_token=token,
        has_passwords=office.has_passwords,
        has_sign_on=office.sign_on is not None,
    )
    set_cookie(response, office, LOGIN_COOKIE, token, path="/login")
    return response


def locks_unknown(request: Request, *, next: str, error: ApiError, name: str = "") -> Response:  # noqa: A002 - likewise
    """Say that nobody logs in while the command API does not say who is locked."""
    LOGINS.labels("unavailable").inc()
    log.warning("staff_login_unavailable", error=str(error))
    said = "Nobody can log in at this moment: the command API does not say who is locked. Try again in a moment."
    if isinstance(error, ApiRefused) and error.status in _KEY_REFUSED:
        said = (
            "Nobody can log in: the command API does not accept the back office's API key, so it does not say who is "
            "locked. Whoever runs the system gives the key the scopes of docs/back-office.md."
        )
    response = login_page(request, next=next, name=name, error=said, status=503)
    response.headers["Retry-After"] = "5"
    return response

"""Who asks: the session that the cookie names, and whether its role may."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import structlog
from fastapi import Request, Response

from back_office.office import Office, office_of
from back_office.staff.roles import Permission, may
from back_office.staff.sessions import Session
from back_office.web.forms import FormRefused, read_form
from infra.http.context import request_context
from infra.logs import bind_context

log = structlog.get_logger(__name__)

KEPT_FIELDS = (
    *("amount", "reason", "assignee", "force", "hours", "days", "merchant_id", "merchant_name"),
    *("confirmed", "export_reason", "limit", "name", "key"),
)
"""What people write into forms, and the key that has a form sent twice be one command: both are there again after a
log-in that came in between."""

FormPage = Callable[[Request, Mapping[str, str]], str]
"""Returns the address of the page that a form with these fields is on."""


def kept_fields(request: Request) -> dict[str, str]:
    """Return what was written into a form before the log-in: it stands in the address."""
    return {name: text for name, text in request.query_params.items() if name in KEPT_FIELDS}


class LoginNeeded(Exception):
    """Nobody is logged in. `address` is where they wanted to go, and is shown after the log-in."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class NotAllowed(Exception):
    """The role does not have the permission."""

    def __init__(self, role: str, permission: Permission) -> None:
        super().__init__(f"{role} may not {permission}")
        self.role = role
        self.permission = permission


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Somebody who is logged in."""

    session: Session
    form_page: FormPage | None = None
    """Where the form that is sent is; None: at the address that it is sent to."""

    @property
    def name(self) -> str:
        """What they log in with."""
        return self.session.account.name

    @property
    def role(self) -> str:
        """Their role."""
        return self.session.account.role

    def take_notice(self) -> str:
        """Return what was done by the request before, once."""
        notice, self.session.notice = self.session.notice, ""
        return notice

    def may(self, permission: str) -> bool:
        """Whether their role may do that."""
        return may(self.session.account.role, Permission(permission))

    def headers(self, request: Request) -> dict[str, str]:
        """Return the headers of a call to the APIs: who acts, and as part of which request."""
        return {"Paystream-Actor": self.name, "X-Correlation-ID": request_context(request).correlation_id}

    async def form(self, request: Request) -> Mapping[str, str]:
        """Return the fields of a form that one of this session's pages sent. Raises FormRefused."""
        fields = await read_form(request)
        if not self.session.sent(fields.get("csrf_token", "")):
            again = _address_of_form(request, fields, self.form_page)
            raise FormRefused("It is not of this session.", again=again)
        return fields


def cookie_name(office: Office) -> str:
    """Return the name of the cookie: over TLS with the prefix that no other host and no plain page can set."""
    return "__Host-paystream_session" if office.tls else "paystream_session"


def set_cookie(
    response: Response,
    office: Office,
    name: str,
    value: str | None,
    *,
    path: str = "/",
    samesite: Literal["strict", "lax"] = "strict",
    max_age: int | None = None,
) -> None:
    """Set a cookie that no script sees and no other site sends; None takes it away.

    One that is lax comes along when a link or a redirect of another site leads here.
    """
    response.set_cookie(
        name,
        value or "",
        max_age=max_age if value else 0,
        path=path,
        httponly=True,
        samesite=samesite,
        secure=office.tls,
    )


async def open_session(request: Request) -> Session | None:
    """Return the session of the cookie if it is open, and nobody locked its account since it began."""
    office = office_of(request)
    session = office.sessions.find(request.cookies.get(cookie_name(office), ""))
    return await still_open(office, session)


async def still_open(office: Office, session: Session | None) -> Session | None:
    """Return the session unless its account was locked since it began; all such sessions end then."""
    if session is None:
        return None
    known = await office.locks.recent()
    if not known.has_ended(session):
        return session
    log.warning("staff_session_ended_by_lock", staff=session.account.name)
    office.sessions.end_all(known.has_ended)
    return None


def requires(permission: Permission, *, form_page: FormPage | None = None) -> Callable[[Request], Awaitable[Visitor]]:
    """Return a FastAPI dependency that yields the visitor. Raises LoginNeeded and NotAllowed.

    `form_page` says where the form is that is sent to the route, unless at the same address.
    """

    async def dependency(request: Request) -> Visitor:
        session = await open_session(request)
        if session is None:
            raise LoginNeeded(await _address_after_login(request, form_page))
        bind_context(staff=session.account.name)
        if not may(session.account.role, permission):
            raise NotAllowed(session.account.role, permission)
        return Visitor(session=session, form_page=form_page)

    return dependency


async def _address_after_login(request: Request, form_page: FormPage | None) -> str:
    """Return what to show after the log-in; of a form that was sent, the form with what was written into it."""
    if request.method != "POST":
        query = request.url.query
        return f"{request.url.path}?{query}" if query else request.url.path
    try:
        fields = await read_form(request)
    except FormRefused:
        return request.url.path if form_page is None else form_page(request, {})
    return _address_of_form(request, fields, form_page)


def _address_of_form(request: Request, fields: Mapping[str, str], form_page: FormPage | None) -> str:
    """Return the address of the form with what was written into it."""
    address = request.url.path if form_page is None else form_page(request, fields)
    kept = "&".join(f"{name}={quote(fields[name])}" for name in KEPT_FIELDS if fields.get(name))
    return f"{address}{'&' if '?' in address else '?'}{kept}" if kept else address

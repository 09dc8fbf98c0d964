"""Somebody's own recovery codes: how many are left, and ten new ones, shown once."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response

from back_office.office import office_of
from back_office.staff.recovery import codes_left, make_codes
from back_office.staff.roles import Permission
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

log = structlog.get_logger(__name__)

router = APIRouter()

Self = Annotated[Visitor, Depends(requires(Permission.SEE_OWN_SESSIONS))]

_WRONG = "That is not your password, or the code is not right."


@router.get("/recovery-codes")
async def show_recovery_codes(request: Request, visitor: Self) -> Response:
    """Show how many are left, with the form for new ones."""
    return await _page(request, visitor)


@router.post("/recovery-codes")
async def make_recovery_codes(request: Request, visitor: Self) -> Response:
    """Make new ones for whoever knows the password and has the app. Raises FormRefused, ApiAway and ApiRefused."""
    fields = await visitor.form(request)
    office, account = office_of(request), visitor.session.account
    if account.totp_secret is None:
        return await _page(request, visitor)
    if office.lockout.locked_for_s(account.name) > 0:
        return await _page(request, visitor, error="Too many wrong passwords: wait, and try again.", status=429)
    office.lockout.attempt(account.name)
    verified = await office.accounts.verify(account.name, fields.get("password", ""), fields.get("code", ""))
    if verified is None:
        return await _page(request, visitor, error=_WRONG, status=422)
    office.lockout.succeeded(account.name)
    codes = await make_codes(office.admin_api, account)
    log.info("recovery_codes_made", count=len(codes))
    return page(request, "recovery_codes.html", visitor, codes=codes, left=len(codes), error="", has_app=True)


async def _page(request: Request, visitor: Visitor, *, error: str = "", status: int = 200) -> Response:
    office, account = office_of(request), visitor.session.account
    has_app = account.totp_secret is not None
    left = await codes_left(office.admin_api, account) if has_app else 0
    return page(
        request, "recovery_codes.html", visitor, status=status, codes=[], left=left, error=error, has_app=has_app
    )

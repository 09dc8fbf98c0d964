"""The accounts of the back office: who has one, who is locked, where each is logged in, and what an operator does then.

Accounts are a setting, BACK_OFFICE_STAFF: who has one at all, with which role and password, is changed there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from back_office.office import Office, office_of
from back_office.operations.operation import MAX_REASON_CHARS, check_reason
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, kept_fields, requires
from infra.settings.staff import StaffAccount

log = structlog.get_logger(__name__)

CHANGES = Counter("back_office_staff_changes_total", "What operators did about accounts of staff", ["change"])

router = APIRouter()

Officer = Annotated[Visitor, Depends(requires(Permission.MANAGE_STAFF))]
Change = Literal["lock", "unlock", "end-sessions"]
_NOT_FOUND = 404
_MINUTE_S = 60

_TEXTS: Mapping[str, tuple[str, str]] = {
    "lock": (
        "Lock",
        "Its sessions end at once, and its password opens nothing until it is unlocked.",
    ),
    "unlock": ("Unlock", "The password opens the account again. Failed attempts are forgotten."),
    "end-sessions": ("End all sessions", "Whoever is logged in with this account has to log in again."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedAccount:
    """An account, and how it is."""

    account: StaffAccount
    sessions: int
    locked: str
    """Why it is locked, in words; empty when it is not."""


@router.get("/staff")
async def list_accounts(request: Request, visitor: Officer) -> Response:
    """Show who has an account."""
    office = office_of(request)
    found = [_listed(office, account) for account in office.accounts.all]
    return page(request, "staff/list.html", visitor, accounts=found)


@router.get("/staff/{name}")
async def show_account(request: Request, visitor: Officer, name: str) -> Response:
    """Show somebody's account with its sessions."""
    office = office_of(request)
    listed = _listed(office, _account(office, name))
    sessions = [
        (each, int(began_s // _MINUTE_S), int(seen_s // _MINUTE_S))
        for each, began_s, seen_s in office.sessions.of(listed.account.name)
    ]
    return page(request, "staff/show.html", visitor, listed=listed, sessions=sessions)


@router.get("/staff/{name}/{change}")
async def show_form(request: Request, visitor: Officer, name: str, change: Change) -> Response:
    """Ask for the reason."""
    return _form(request, visitor, _account(office_of(request), name), change=change, fields=kept_fields(request))


@router.post("/staff/{name}/{change}")
async def change_account(request: Request, visitor: Officer, name: str, change: Change) -> Response:
    """Do it. Raises FormRefused."""
    fields = await visitor.form(request)
    office = office_of(request)
    account = _account(office, name)
    mistakes = _mistakes(visitor, account, change, fields.get("reason", "").strip())
    if mistakes:
        return _form(request, visitor, account, change=change, fields=fields, mistakes=mistakes)
    if change == "unlock":
        was_locked = office.lockout.unlock(account.name)
        said = f"{account.name} is unlocked." if was_locked else f"{account.name} was not locked."
    else:
        if change == "lock":
            office.lockout.lock(account.name)
        ended = office.sessions.revoke(account.name, but=visitor.session if change == "end-sessions" else None)
        said = f"{account.name} is locked. " if change == "lock" else ""
        said += f"{ended} session{' was' if ended == 1 else 's were'} ended."
    CHANGES.labels(change).inc()
    log.warning("staff_account_changed", account=account.name, change=change, reason=fields["reason"].strip())
    visitor.session.notice = said
    return RedirectResponse(f"/staff/{segment(account.name)}", status_code=303)


def _mistakes(visitor: Visitor, account: StaffAccount, change: Change, reason: str) -> dict[str, str]:
    if change == "lock" and account.name == visitor.name:
        return {"reason": "Nobody locks themselves out: another operator can."}
    mistakes: dict[str, str] = {}
    check_reason(reason, mistakes)
    return mistakes


def _form(
    request: Request,
    visitor: Visitor,
    account: StaffAccount,
    *,
    change: Change,
    fields: Mapping[str, str],
    mistakes: Mapping[str, str] | None = None,
) -> Response:
    label, consequence = _TEXTS[change]
    return page(
        request,
        "staff/change.html",
        visitor,
        status=422 if mistakes else 200,
        account=account,
        label=label,
        consequence=consequence,
        is_dangerous=change == "lock",
        reason=fields.get("reason", ""),
        mistakes=mistakes or {},
        most_chars=MAX_REASON_CHARS,
    )


def _account(office: Office, name: str) -> StaffAccount:
    account = office.accounts.named(name)
    if account is None:
        raise HTTPException(_NOT_FOUND)
    return account


def _listed(office: Office, account: StaffAccount) -> ListedAccount:
    locked = ""
    if office.lockout.is_locked_out(account.name):
        locked = "by an operator"
    elif (left_s := office.lockout.locked_for_s(account.name)) > 0:
        minutes = max(1, round(left_s / _MINUTE_S))
        locked = f"wrong passwords, for {minutes} more minute{'' if minutes == 1 else 's'}"
    return ListedAccount(account=account, sessions=len(office.sessions.of(account.name)), locked=locked)

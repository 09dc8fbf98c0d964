"""The accounts of the back office: who has one, who is locked, where each is logged in, and what an operator does then.

Accounts are a setting, BACK_OFFICE_STAFF: who has one at all, with which role and password, is changed there. Locks are
the command API's, which knows as well when all sessions of somebody were ended; sessions, and the locks after wrong
passwords, are this process's.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

import structlog
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from back_office.apis.errors import Json
from back_office.office import Office, office_of
from back_office.operations.forms import Attempt, Subject, add_operation
from back_office.operations.operation import StaffOperation
from back_office.staff.locks import KnownLocks, StaffLock
from back_office.staff.roles import Permission
from back_office.staff.session_routes import keep_own_session
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires
from back_office.web.words import ago_words, words
from infra.settings.staff import StaffAccount

log = structlog.get_logger(__name__)

CHANGES = Counter("back_office_staff_changes_total", "What operators did about accounts of staff", ["change"])

router = APIRouter()

Officer = Annotated[Visitor, Depends(requires(Permission.MANAGE_STAFF))]
_NOT_FOUND = 404
_MINUTE_S = 60

LOCK = StaffOperation(
    name="lock",
    title="Lock somebody out",
    button="Lock",
    consequence="The account's sessions end within seconds, in every process of the back office, and its password "
    "opens nothing until somebody unlocks it.",
    permission=Permission.MANAGE_STAFF,
    is_dangerous=True,
)
UNLOCK = StaffOperation(
    name="unlock",
    title="Unlock an account",
    button="Unlock",
    consequence="The password opens the account again, and wrong passwords of before are forgotten. Sessions from "
    "before the lock stay ended.",
    permission=Permission.MANAGE_STAFF,
)
END_SESSIONS = StaffOperation(
    name="end-sessions",
    title="End all sessions",
    button="End all sessions",
    consequence="Whoever is logged in with this account has to log in again, within seconds, in every process of the "
    "back office.",
    permission=Permission.MANAGE_STAFF,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedAccount:
    """An account, and how it is."""

    account: StaffAccount
    sessions: int
    lock: StaffLock | None
    """By an operator; None: it is not locked by one."""
    minutes_left: int
    """Of the lock after wrong passwords, in this process; 0 when there is none."""
    ways_in: str
    """What opens it, as this process is set."""


@router.get("/staff")
async def list_accounts(request: Request, visitor: Officer) -> Response:
    """Show who has an account. Raises ApiAway and ApiRefused."""
    office = office_of(request)
    known = await _known(office)
    found = [_listed(office, known, account) for account in office.accounts.all]
    return page(request, "staff/list.html", visitor, accounts=found)


@router.get("/staff/{name}")
async def show_account(request: Request, visitor: Officer, name: str) -> Response:
    """Show somebody's account with its sessions. Raises ApiAway and ApiRefused."""
    office = office_of(request)
    account = _account(office, name)
    listed = _listed(office, await _known(office), account)
    sessions = [
        (each, ago_words(began_s), ago_words(seen_s)) for each, began_s, seen_s in office.sessions.of(account.name)
    ]
    return page(request, "staff/show.html", visitor, listed=listed, sessions=sessions)


async def _subject(office: Office, name: str) -> Subject:
    account = _account(office, unquote(name))
    return Subject(details=[("Account", account.name), ("Role", words(account.role))], back=_address(account))


def _locked(attempt: Attempt, body: Json) -> Response:
    office, account = _of(attempt)
    ended = office.sessions.revoke(account.name)
    return _changed(attempt, account, f"{body['said']} {_said_of_sessions(ended)}")


def _unlocked(attempt: Attempt, body: Json) -> Response:
    office, account = _of(attempt)
    had_failed = office.lockout.unlock(account.name)
    return _changed(attempt, account, body["said"] + (" Its wrong passwords are forgotten." if had_failed else ""))


def _ended(attempt: Attempt, body: Json) -> Response:
    office, account = _of(attempt)
    keep_own_session(attempt.visitor, account.name, body)
    ended = office.sessions.revoke(account.name, but=attempt.visitor.session)
    return _changed(attempt, account, f"{body['said']} Here, {_said_of_sessions(ended)}")


def _changed(attempt: Attempt, account: StaffAccount, said: str) -> Response:
    office_of(attempt.request).locks.forget()
    change = attempt.operation.name
    CHANGES.labels(change).inc()
    log.warning("staff_account_changed", account=account.name, change=change)
    attempt.visitor.session.notice = said
    return RedirectResponse(attempt.subject.back, status_code=303)


add_operation(router, LOCK, place="/staff", find=_subject, done=_locked)
add_operation(router, END_SESSIONS, place="/staff", find=_subject, done=_ended)
add_operation(router, UNLOCK, place="/staff", find=_subject, done=_unlocked)


def _of(attempt: Attempt) -> tuple[Office, StaffAccount]:
    office = office_of(attempt.request)
    return office, _account(office, attempt.request.path_params["thing_id"])


def _address(account: StaffAccount) -> str:
    return f"/staff/{segment(account.name)}"


def _account(office: Office, name: str) -> StaffAccount:
    account = office.accounts.named(name)
    if account is None:
        raise HTTPException(_NOT_FOUND)
    return account


async def _known(office: Office) -> KnownLocks:
    known = await office.locks.current()
    office.sessions.end_all(known.has_ended)
    return known


def _listed(office: Office, known: KnownLocks, account: StaffAccount) -> ListedAccount:
    left_s = office.lockout.locked_for_s(account.name)
    return ListedAccount(
        account=account,
        sessions=len(office.sessions.of(account.name)),
        lock=known.of(account.name),
        minutes_left=max(1, round(left_s / _MINUTE_S)) if left_s > 0 else 0,
        ways_in=_ways_in(office, account),
    )


def _ways_in(office: Office, account: StaffAccount) -> str:
    ways = {
        "Password": office.has_passwords and account.password_hash is not None,
        "Single sign-on": office.sign_on is not None and account.oidc_identity is not None,
    }
    return ", ".join(way for way, is_open in ways.items() if is_open) or "Nothing: nobody can log in with it"


def _said_of_sessions(ended: int) -> str:
    return f"{ended} session{' was' if ended == 1 else 's were'} ended."

"""What cannot come to an end by itself: calls to Stripe, dead letters and sagas, and what operators do about them."""

import re
from collections.abc import Mapping
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.apis.errors import Json
from back_office.office import Office, office_of
from back_office.operations.forms import Subject, add_operation
from back_office.operations.operation import (
    ACCEPT,
    DISCARD,
    GIVE_UP_SAGA,
    GIVE_UP_TASK,
    MAX_REASON_CHARS,
    REPLAY,
    RETRY_SAGA,
    RETRY_TASK,
    check_reason,
)
from back_office.payments import state
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.forms import FormIncomplete
from back_office.web.money import format_money
from back_office.web.templates import moment, page
from back_office.web.visitor import Visitor, kept_fields, requires
from back_office.web.words import counted, task_status_words, words

router = APIRouter()

log = structlog.get_logger(__name__)

Operator = Annotated[Visitor, Depends(requires(Permission.OPERATE))]
Looker = Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]

_MOST = "100"
_TASK_STATUSES = {
    "stuck": ("dead", "unknown"),
    "waiting": ("due", "leased"),
    "payment": ("due", "leased", "unknown", "dead", "done"),
}
_SHOWN_IDS = 20


@router.get("/tasks")
async def list_tasks(request: Request, visitor: Looker, which: str = "stuck", payment_id: str = "") -> Response:
    """Show calls to Stripe: those that are stuck, those that wait for their turn, or all of a payment."""
    which = "payment" if payment_id else which if which in {"stuck", "waiting"} else "stuck"
    chosen: dict[str, str | int | list[str]] = {"status": list(_TASK_STATUSES[which]), "limit": _MOST}
    if payment_id:
        chosen["payment_id"] = payment_id
    found = await office_of(request).admin_api.get("/tasks", chosen)
    return page(
        request,
        "system/tasks.html",
        visitor,
        which=which,
        payment_id=payment_id,
        tasks=found.body["data"],
        count=found.body["count"],
    )


@router.get("/dead-letters")
async def list_dead_letters(request: Request, visitor: Looker, resolved: str = "") -> Response:
    """Show dead letters that are open, or all."""
    parameters = {"limit": _MOST} | ({"resolved": "true"} if resolved else {})
    found = (await office_of(request).admin_api.get("/dead-letters", parameters)).body
    return page(
        request,
        "system/dead_letters.html",
        visitor,
        dead_letters=found["data"],
        count=found["count"],
        resolved=bool(resolved),
    )


@router.get("/dead-letters/replay")
async def show_replay(request: Request, visitor: Operator, consumer: str = "", limit: str = "") -> Response:
    """Show what a replay of all dead letters of a consumer would be about, and the form for it."""
    return await _replay_page(request, visitor, {**kept_fields(request), "consumer": consumer, "limit": limit})


@router.post("/dead-letters/replay")
async def replay_all(request: Request, visitor: Operator) -> Response:
    """Have them replayed. Raises FormRefused."""
    fields = await visitor.form(request)
    mistakes: dict[str, str] = {}
    reason = fields.get("reason", "").strip()
    check_reason(reason, mistakes)
    try:
        body = {**_replay_body(fields), "reason": reason}
    except FormIncomplete as incomplete:
        mistakes |= incomplete.mistakes
    if mistakes:
        return await _replay_page(request, visitor, fields, mistakes)
    answer = await office_of(request).admin_api.post("/dead-letters/replay", body, visitor.headers(request))
    count = answer.body["count"]
    log.info("staff_replay_requested", consumer=body["consumer"], count=count)
    visitor.session.notice = f"The replay of {count} is requested. The running consumer does it."
    return RedirectResponse("/dead-letters", status_code=303)


async def _replay_page(
    request: Request, visitor: Visitor, fields: Mapping[str, str], mistakes: Mapping[str, str] | None = None
) -> Response:
    api = office_of(request).admin_api
    counts = (await api.get("/system")).body["dead_letters"]
    preview: Json | None = None
    mistakes = dict(mistakes or {})
    if fields.get("consumer"):
        try:
            body = {**_replay_body(fields), "preview": True}
            preview = (await api.post("/dead-letters/replay", body, {})).body
        except FormIncomplete as incomplete:
            mistakes |= incomplete.mistakes
    return page(
        request,
        "system/replay.html",
        visitor,
        status=422 if mistakes else 200,
        counts=counts,
        consumer=fields.get("consumer", ""),
        limit=fields.get("limit", ""),
        reason=fields.get("reason", ""),
        most_chars=MAX_REASON_CHARS,
        preview=preview,
        mistakes=mistakes,
    )


def _replay_body(fields: Mapping[str, str]) -> dict[str, str | int]:
    """Return which are replayed, for the body of the call. Raises FormIncomplete."""
    consumer, limit = fields.get("consumer", ""), fields.get("limit", "")
    if not limit:
        return {"consumer": consumer}
    if not re.fullmatch(r"[1-9][0-9]{0,5}", limit):
        raise FormIncomplete({"limit": "A whole number from 1 to 999999; empty: all."})
    return {"consumer": consumer, "limit": int(limit)}


@router.get("/dead-letters/{dead_letter_id}")
async def show_dead_letter(request: Request, visitor: Looker, dead_letter_id: str) -> Response:
    """Show a dead letter, and what a replay of it applies."""
    found = (await office_of(request).admin_api.get(f"/dead-letters/{segment(dead_letter_id)}")).body
    return page(request, "system/dead_letter.html", visitor, letter=found)


@router.get("/sagas")
async def list_sagas(request: Request, visitor: Looker) -> Response:
    """Show sagas that have not ended."""
    found = (await office_of(request).admin_api.get("/sagas", {"limit": _MOST})).body
    return page(request, "system/sagas.html", visitor, sagas=found["data"], count=found["count"])


@router.get("/sagas/{saga_id}")
async def show_saga(request: Request, visitor: Looker, saga_id: str) -> Response:
    """Show a saga, what it waits for, and what happened to it."""
    found = (await office_of(request).admin_api.get(f"/sagas/{segment(saga_id)}")).body
    return page(request, "system/saga.html", visitor, saga=found)


async def _task(office: Office, task_id: str) -> Subject:
    task = (await office.admin_api.get(f"/tasks/{task_id}")).body
    details = [
        ("Call", words(task["operation"])),
        ("Payment", task["payment_id"]),
        ("Status", f"{task_status_words(task['status'])}, tried {counted(task['attempts'], 'time')}"),
        ("Wanted since", moment(task["created_at"])),
        ("Last error", task["last_error"] or "None"),
    ]
    return Subject(details=details, back="/tasks", is_possible=task["status"] != "done")


async def _saga(office: Office, saga_id: str) -> Subject:
    saga = (await office.admin_api.get(f"/sagas/{saga_id}")).body
    details = [("Saga", f"{words(saga['kind'])} {saga['id']}"), ("Status", words(saga["status"]))]
    details += [("Waits for", each) for each in saga["waits_for"]]
    return Subject(details=details, back=f"/sagas/{saga_id}")


async def _dead_letter(office: Office, dead_letter_id: str) -> Subject:
    letter = (await office.admin_api.get(f"/dead-letters/{dead_letter_id}")).body
    queue = letter["queue"] or [letter["id"]]
    details = [
        ("Dead letter", f"{letter['id']} of {letter['consumer']}"),
        ("Stream", letter["stream"] or "None: nothing waits behind it"),
        ("Why", letter["error"]),
        ("It concerns", f"{counted(len(queue), 'record')}, in this order"),
    ]
    listed = [f"Dead letter {each}" for each in queue[:_SHOWN_IDS]]
    if len(queue) > _SHOWN_IDS:
        listed.append(f"and {len(queue) - _SHOWN_IDS} more")
    is_open = letter["status"] in {"open", "replaying"}
    return Subject(details=details, back=f"/dead-letters/{dead_letter_id}", listed=listed, is_possible=is_open)


async def _contradiction(office: Office, payment_id: str) -> Subject:
    payment = (await office.query_api.get(f"/payments/{payment_id}")).body
    details = [
        ("Payment", f"{format_money(payment['amount_cents'], payment['currency'])}, {payment['user_id']}"),
        ("State here", state.sentence(payment)),
    ]
    details += [("Stripe says", f"{each['reason']}: {words(each['status'])}") for each in payment["contradictions"]]
    return Subject(details=details, back=f"/payments/{payment_id}", is_possible=bool(payment["contradictions"]))


for _operation in (RETRY_TASK, GIVE_UP_TASK):
    add_operation(router, _operation, place="/tasks", path=f"/tasks/{{}}/{_operation.name}", find=_task)
for _operation in (RETRY_SAGA, GIVE_UP_SAGA):
    add_operation(router, _operation, place="/sagas", path=f"/sagas/{{}}/{_operation.name}", find=_saga)
for _operation in (REPLAY, DISCARD):
    add_operation(
        router, _operation, place="/dead-letters", path=f"/dead-letters/{{}}/{_operation.name}", find=_dead_letter
    )
add_operation(router, ACCEPT, place="/payments", path="/payments/{}/accept", find=_contradiction)

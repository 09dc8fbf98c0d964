"""The list of calls to Stripe, and to retry one or to give it up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.office import Office, office_of
from back_office.operations.forms import Subject, add_operation
from back_office.operations.operation import StaffOperation
from back_office.staff.roles import Permission
from back_office.web.templates import moment, page
from back_office.web.visitor import Visitor, requires
from back_office.web.words import counted, task_status_words, words

router = APIRouter()

Looker = Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]

_MOST = "100"
_STATUSES = {
    "stuck": ("dead", "unknown"),
    "waiting": ("due", "leased"),
    "payment": ("due", "leased", "unknown", "dead", "done"),
}

RETRY = StaffOperation(
    name="retry",
    title="Retry a call to Stripe",
    button="Retry",
    consequence="It is sent again at once with the same idempotency key, so Stripe does it once. Where Stripe may have "
    "forgotten the key, it is looked up there, and never sent again.",
    permission=Permission.OPERATE,
)
GIVE_UP = StaffOperation(
    name="give-up",
    title="Give up a call to Stripe",
    button="Give up",
    consequence="What it was for is recorded as failed, for good. Later calls of the payment go on.",
    permission=Permission.OPERATE,
    is_dangerous=True,
    has_force=True,
    force_label="I have looked at Stripe: it was not done there",
)


@router.get("/tasks")
async def list_tasks(request: Request, visitor: Looker, which: str = "stuck", payment_id: str = "") -> Response:
    """Show calls to Stripe: those that are stuck, those that wait for their turn, or all of a payment."""
    which = "payment" if payment_id else which if which in {"stuck", "waiting"} else "stuck"
    chosen: dict[str, str | int | list[str]] = {"status": list(_STATUSES[which]), "limit": _MOST}
    if payment_id:
        chosen["payment_id"] = payment_id
    found = await office_of(request).admin_api.get("/tasks", chosen)
    return page(
        request,
        "tasks/list.html",
        visitor,
        which=which,
        payment_id=payment_id,
        tasks=found.body["data"],
        count=found.body["count"],
    )


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


for _operation in (RETRY, GIVE_UP):
    add_operation(router, _operation, place="/tasks", find=_task)

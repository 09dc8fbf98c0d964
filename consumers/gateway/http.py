"""The endpoints with which operators see and settle calls to Stripe that are stuck, and contradictions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from consumers.gateway.operators import ListedTask, NoSuchTask, TaskAdmin
from domain.ids import EventId, PaymentId
from infra.http.operations import READ, WRITE, answer, documented, operation_of, operator_of
from schemas.http.operations import GiveUpBody, OperationAnswer, ReasonBody
from schemas.http.strict import IN_DIGITS, Id, parse_id
from schemas.http.tasks import TaskList, TaskView
from schemas.http.times import timestamp

router = APIRouter(tags=["system"])

TaskIdPath = Annotated[str, Path(description="Its id.", json_schema_extra={"format": "uuid"})]
Status = Literal["due", "leased", "unknown", "dead", "done"]
_DONE = "Done"


@router.get("/tasks", **documented(TaskList, READ))
async def list_tasks(
    request: Request,
    status: Annotated[list[Status], Query(description="May be repeated.")] = ["dead", "unknown"],  # noqa: B006 - FastAPI's
    payment_id: Annotated[Id[PaymentId] | None, Query(description="Only of this payment.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to list at most."), IN_DIGITS] = 50,
) -> Response:
    """List calls to Stripe, the oldest first: those that cannot end by themselves, unless others are named."""
    operator = await operator_of(request, READ, lists=("status",))
    async with operator.operations.connection() as conn:
        found = await TaskAdmin().list_tasks(conn, statuses=status, payment_id=payment_id, limit=limit)
    return answer({"data": [_task(each) for each in found], "count": found[0].found if found else 0})


@router.get("/tasks/{task_id}", **documented(TaskView, READ, one=True))
async def get_task(request: Request, task_id: TaskIdPath) -> Response:
    """Show a call to Stripe."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        return answer(_task(await TaskAdmin().find(conn, _id(task_id))))


@router.post(
    "/tasks/{task_id}/retry", **documented(OperationAnswer, WRITE, body=ReasonBody, one=True, description=_DONE)
)
async def retry_task(request: Request, task_id: TaskIdPath) -> Response:
    """Have a call tried again at once: with its key, or looked up at Stripe if that may have forgotten the key."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        said = await TaskAdmin().retry(call.conn, _id(task_id), actor=call.actor, reason=call.body.reason)
    return answer({"said": said})


@router.post(
    "/tasks/{task_id}/give-up", **documented(OperationAnswer, WRITE, body=GiveUpBody, one=True, description=_DONE)
)
async def give_up_task(request: Request, task_id: TaskIdPath) -> Response:
    """Give a call up for good, and record as failed what it was for. Later calls of the payment go on."""
    async with operation_of(request, WRITE, GiveUpBody) as call:
        said = await TaskAdmin().give_up(
            call.conn, _id(task_id), actor=call.actor, reason=call.body.reason, force=call.body.force
        )
    return answer({"said": said})


@router.post(
    "/payments/{payment_id}/accept", **documented(OperationAnswer, WRITE, body=ReasonBody, one=True, description=_DONE)
)
async def accept_contradiction(
    request: Request,
    payment_id: Annotated[str, Path(description="The payment's id.", json_schema_extra={"format": "uuid"})],
) -> Response:
    """Accept what Stripe says where it contradicts a payment's log. Payment, refunds and ledger follow."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        subject = PaymentId(_id(payment_id))
        said = await TaskAdmin().accept(call.conn, subject, actor=call.actor, reason=call.body.reason)
    return answer({"said": said})


def _id(text: str) -> EventId:
    found = parse_id(text)
    if found is None:  # what is no id names none
        raise NoSuchTask("There is none of that id.")
    return EventId(found)


def _task(task: ListedTask) -> dict[str, object]:
    """Return the members of `TaskView`."""
    return {
        "id": task.event_id,
        "payment_id": task.payment_id,
        "operation": task.operation,
        "status": task.status,
        "attempts": task.attempts,
        "created_at": timestamp(task.created_at),
        "due_at": timestamp(task.due_at),
        "last_error": task.last_error,
    }

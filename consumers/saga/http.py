"""The endpoints with which operators see sagas, have a compensation tried again, or give one up."""

import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from consumers.saga.admin import OPEN, NoSuchSaga, SagaAdmin, ShownSaga
from consumers.saga.intake import by_kind
from consumers.saga.registry import SAGAS
from consumers.saga.store import ListedSaga
from domain.saga.status import SagaStatus
from infra.http.operations import READ, WRITE, answer, documented, operation_of, operator_of
from schemas.http.operations import GiveUpBody, OperationAnswer, ReasonBody
from schemas.http.sagas import SagaList, SagaView
from schemas.http.strict import IN_DIGITS, parse_id
from schemas.http.times import timestamp

router = APIRouter(tags=["system"])

SagaIdPath = Annotated[str, Path(description="Its id.", json_schema_extra={"format": "uuid"})]
_DONE = "Done"


@router.get("/sagas", **documented(SagaList, READ))
async def list_sagas(
    request: Request,
    status: Annotated[
        list[SagaStatus] | None, Query(description="May be repeated. Without: all that are open.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to list at most."), IN_DIGITS] = 50,
) -> Response:
    """List sagas, the oldest first: those that have not ended, unless others are named."""
    operator = await operator_of(request, READ, lists=("status",))
    async with operator.operations.connection() as conn:
        found = await _admin().list_sagas(conn, statuses=[each.value for each in status or ()] or OPEN, limit=limit)
    return answer({"data": [_saga(each) for each in found], "count": found[0].found if found else 0})


@router.get("/sagas/{saga_id}", **documented(SagaView, READ, one=True))
async def get_saga(request: Request, saga_id: SagaIdPath) -> Response:
    """Show a saga, what it waits for, and what happened to it."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        shown = await _admin().show(conn, _id(saga_id))
    return answer(_shown(shown))


@router.post(
    "/sagas/{saga_id}/retry", **documented(OperationAnswer, WRITE, body=ReasonBody, one=True, description=_DONE)
)
async def retry_saga(request: Request, saga_id: SagaIdPath) -> Response:
    """Have what was not taken back tried again at once."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        said = await _admin().retry(call.conn, _id(saga_id), actor=call.actor, reason=call.body.reason, now=time.time())
    return answer({"said": said})


@router.post(
    "/sagas/{saga_id}/give-up", **documented(OperationAnswer, WRITE, body=GiveUpBody, one=True, description=_DONE)
)
async def give_up_saga(request: Request, saga_id: SagaIdPath) -> Response:
    """End a saga as it is. What was not taken back stands, and is named in the event."""
    async with operation_of(request, WRITE, GiveUpBody) as call:
        said = await _admin().give_up(
            call.conn, _id(saga_id), actor=call.actor, reason=call.body.reason, force=call.body.force
        )
    return answer({"said": said})


def _admin() -> SagaAdmin:
    return SagaAdmin(by_kind(SAGAS))


def _id(text: str) -> UUID:
    found = parse_id(text)
    if found is None:  # what is no id names none
        raise NoSuchSaga("There is no such saga.")
    return found


def _saga(saga: ListedSaga) -> dict[str, object]:
    """Return the members of `SagaSummary`."""
    return {
        "id": saga.saga_id,
        "kind": saga.kind,
        "status": saga.status,
        "created_at": timestamp(saga.created_at),
        "status_since": timestamp(saga.status_since),
        "due_at": None if saga.due_at is None else timestamp(saga.due_at),
        "failures": saga.failures,
        "last_error": saga.last_error,
    }


def _shown(shown: ShownSaga) -> dict[str, object]:
    """Return the members of `SagaView`."""
    return {
        "id": shown.saga.saga_id,
        "kind": shown.saga.kind,
        "status": shown.saga.status,
        "waits_for": list(shown.waits_for),
        "events": [
            {
                "version": event.version,
                "position": event.position,
                "type": event.type,
                "at": timestamp(event.recorded_at),
                "actor": event.metadata.actor,
            }
            for event in shown.events
        ],
    }

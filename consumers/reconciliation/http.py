"""The endpoints with which finance explains, resolves and assigns discrepancies."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from consumers.reconciliation import operators
from consumers.reconciliation.results import NoSuchDiscrepancy
from domain.ids import DiscrepancyId
from infra.http.operations import answer, documented, operation_of
from schemas.http.operations import AssignBody, OperationAnswer, ReasonBody
from schemas.http.strict import parse_id

SCOPE: Final = "finance:write"

router = APIRouter(tags=["discrepancies"])

DiscrepancyIdPath = Annotated[str, Path(description="Its id.", json_schema_extra={"format": "uuid"})]
_DONE = "Recorded"


@router.post(
    "/discrepancies/{discrepancy_id}/explain",
    **documented(OperationAnswer, SCOPE, body=ReasonBody, one=True, description=_DONE),
)
async def explain_discrepancy(request: Request, discrepancy_id: DiscrepancyIdPath) -> Response:
    """Record why a discrepancy is acceptable. It is no longer open, unless it changes."""
    async with operation_of(request, SCOPE, ReasonBody) as call:
        said = await operators.explain(call.conn, _id(discrepancy_id), actor=call.actor, reason=call.body.reason)
    return answer({"said": said})


@router.post(
    "/discrepancies/{discrepancy_id}/resolve",
    **documented(OperationAnswer, SCOPE, body=ReasonBody, one=True, description=_DONE),
)
async def resolve_discrepancy(request: Request, discrepancy_id: DiscrepancyIdPath) -> Response:
    """Record that a discrepancy is resolved. A run that finds it again reopens it."""
    async with operation_of(request, SCOPE, ReasonBody) as call:
        said = await operators.resolve(call.conn, _id(discrepancy_id), actor=call.actor, reason=call.body.reason)
    return answer({"said": said})


@router.post(
    "/discrepancies/{discrepancy_id}/assign",
    **documented(OperationAnswer, SCOPE, body=AssignBody, one=True, description=_DONE),
)
async def assign_discrepancy(request: Request, discrepancy_id: DiscrepancyIdPath) -> Response:
    """Record who looks into a discrepancy."""
    async with operation_of(request, SCOPE, AssignBody) as call:
        said = await operators.assign(
            call.conn, _id(discrepancy_id), assignee=call.body.assignee, actor=call.actor, reason=call.body.reason
        )
    return answer({"said": said})


def _id(text: str) -> DiscrepancyId:
    found = parse_id(text)
    if found is None:  # what is no id names none
        raise NoSuchDiscrepancy("There is no such discrepancy.")
    return DiscrepancyId(found)

"""The endpoints with which finance explains, resolves and assigns discrepancies."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from consumers.reconciliation import operators
from consumers.reconciliation.results import NoSuchDiscrepancy
from domain.ids import DiscrepancyId
from infra.http.operations import answer, documented, operator_of
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
    operator = await operator_of(request, SCOPE)
    body = await operator.operations.read_body(request, ReasonBody)
    async with operator.operations.connection() as conn:
        said = await operators.explain(conn, _id(discrepancy_id), actor=operator.actor, reason=body.reason)
    return answer({"said": said})


@router.post(
    "/discrepancies/{discrepancy_id}/resolve",
    **documented(OperationAnswer, SCOPE, body=ReasonBody, one=True, description=_DONE),
)
async def resolve_discrepancy(request: Request, discrepancy_id: DiscrepancyIdPath) -> Response:
    """Record that a discrepancy is resolved. A run that finds it again reopens it."""
    operator = await operator_of(request, SCOPE)
    body = await operator.operations.read_body(request, ReasonBody)
    async with operator.operations.connection() as conn:
        said = await operators.resolve(conn, _id(discrepancy_id), actor=operator.actor, reason=body.reason)
    return answer({"said": said})


@router.post(
    "/discrepancies/{discrepancy_id}/assign",
    **documented(OperationAnswer, SCOPE, body=AssignBody, one=True, description=_DONE),
)
async def assign_discrepancy(request: Request, discrepancy_id: DiscrepancyIdPath) -> Response:
    """Record who looks into a discrepancy."""
    operator = await operator_of(request, SCOPE)
    body = await operator.operations.read_body(request, AssignBody)
    async with operator.operations.connection() as conn:
        said = await operators.assign(
            conn, _id(discrepancy_id), assignee=body.assignee, actor=operator.actor, reason=body.reason
        )
    return answer({"said": said})


def _id(text: str) -> DiscrepancyId:
    found = parse_id(text)
    if found is None:  # what is no id names none
        raise NoSuchDiscrepancy("There is no such discrepancy.")
    return DiscrepancyId(found)

"""The endpoints of reconciliations and discrepancies."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from infra.http.auth import Principal, authenticated
from query_api.parameters import refuse_all
from query_api.reconciliations.api import ReconciliationReads, reconciliation_not_found
from query_api.reconciliations.documentation import documented
from query_api.reconciliations.parameters import DiscrepancyListParameters, RunListParameters
from schemas.http.reconciliations import DiscrepancyPage, ReconciliationPage, ReconciliationView

SCOPE = "finance:read"

router = APIRouter(tags=["reconciliations"])

Finance = Annotated[Principal, Depends(authenticated(SCOPE))]


@router.get("/reconciliations", **documented(ReconciliationPage))
async def list_reconciliations(
    request: Request, _: Finance, parameters: Annotated[RunListParameters, Query()]
) -> Response:
    """List the reconciled days, newest first: of each, its newest run."""
    return await _reads(request).runs(parameters)


@router.get(
    "/reconciliations/{reconciliation_id}",
    dependencies=[Depends(refuse_all)],
    **documented(ReconciliationView, one=True),
)
async def get_reconciliation(
    request: Request,
    _: Finance,
    reconciliation_id: Annotated[str, Path(description="The day's.", json_schema_extra={"format": "uuid"})],
) -> Response:
    """Show the newest run of a day."""
    try:
        run_id = UUID(reconciliation_id)
    except ValueError:
        raise reconciliation_not_found() from None
    if str(run_id) != reconciliation_id.lower():  # braces, a urn or missing hyphens: one run has one address
        raise reconciliation_not_found()
    return await _reads(request).run(run_id)


@router.get("/discrepancies", **documented(DiscrepancyPage))
async def list_discrepancies(
    request: Request, _: Finance, parameters: Annotated[DiscrepancyListParameters, Query()]
) -> Response:
    """List what differs between Stripe's books and the ledger, newest day first."""
    return await _reads(request).discrepancies(parameters)


def _reads(request: Request) -> ReconciliationReads:
    return ReconciliationReads(pool=request.app.state.query_api.pool)

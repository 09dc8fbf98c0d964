"""The endpoints of reconciliations and discrepancies."""

from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request, Response

from domain.ids import DiscrepancyId, RunId
from infra.access.principal import Principal
from infra.http.auth import authenticated
from infra.http.query_string import refuse_all
from query_api.reconciliations.documentation import DISCREPANCY_NOT_FOUND, documented
from query_api.reconciliations.errors import discrepancy_not_found, reconciliation_not_found
from query_api.reconciliations.parameters import DiscrepancyListParameters, RunListParameters
from query_api.reconciliations.service import ReconciliationReads
from query_api.router import read_router
from schemas.http.reconciliations import DiscrepancyPage, DiscrepancyView, ReconciliationPage, ReconciliationView
from schemas.http.strict import parse_id

SCOPE: Final = "finance:read"

router = read_router("reconciliations")

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
    run_id = parse_id(reconciliation_id)
    if run_id is None:
        raise reconciliation_not_found()
    return await _reads(request).run(RunId(run_id))


@router.get("/discrepancies", **documented(DiscrepancyPage))
async def list_discrepancies(
    request: Request, _: Finance, parameters: Annotated[DiscrepancyListParameters, Query()]
) -> Response:
    """List what differs between Stripe and the ledger, newest day first."""
    return await _reads(request).discrepancies(parameters)


@router.get(
    "/discrepancies/{discrepancy_id}",
    dependencies=[Depends(refuse_all)],
    **documented(DiscrepancyView, one=True, not_found=DISCREPANCY_NOT_FOUND),
)
async def get_discrepancy(
    request: Request,
    _: Finance,
    discrepancy_id: Annotated[str, Path(description="Its id.", json_schema_extra={"format": "uuid"})],
) -> Response:
    """Show a discrepancy."""
    found = parse_id(discrepancy_id)
    if found is None:
        raise discrepancy_not_found()
    return await _reads(request).discrepancy(DiscrepancyId(found))


def _reads(request: Request) -> ReconciliationReads:
    reads = request.app.state.reconciliations
    assert isinstance(reads, ReconciliationReads)
    return reads

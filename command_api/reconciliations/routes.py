"""The endpoint with which finance requests a reconciliation."""

import orjson
from fastapi import APIRouter, Request, Response

from command_api.errors import CommandError, problem_of
from command_api.reconciliations.documentation import DOCUMENTED
from command_api.reconciliations.service import ReconciliationService
from command_api.request_body import read_body
from infra.http.auth import authenticated
from infra.http.context import request_context
from schemas.http.reconciliations import RequestReconciliationBody

router = APIRouter(tags=["reconciliations"])

_authenticate = authenticated("finance:write")


@router.post("/reconciliations", **DOCUMENTED)
async def request_reconciliation(request: Request) -> Response:
    """Have a day's ledger compared with Stripe once more.

    Answered as soon as it is recorded; the query API tells what came of it. While a run of the day is under way, that
    is the one: asking again makes no second one, so there is no need for an Idempotency-Key.
    """
    principal = await _authenticate(request, None)
    service = request.app.state.reconciliations
    assert isinstance(service, ReconciliationService)
    try:
        body = await read_body(request, RequestReconciliationBody)
    except CommandError as error:
        raise problem_of(error) from error
    decided = await service.request(body.parsed.date, key_id=principal.key_id, context=request_context(request))
    run = decided.state
    assert run is not None, "a day that was requested has a run"
    answer = {
        "id": run.run_id,
        "number": run.number,
        "date": run.date,
        "time_zone": run.time_zone,
        "status": run.status.value,
        "position": decided.position,
    }
    return Response(orjson.dumps(answer), status_code=202, media_type="application/json")

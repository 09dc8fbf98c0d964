"""The endpoint that records an export."""

import orjson
from fastapi import APIRouter, Request, Response

from command_api.errors import CommandError, problem_of
from command_api.exports.documentation import DOCUMENTED
from command_api.exports.service import ExportRecorder
from command_api.headers import ACTOR_HEADER, read_actor
from command_api.request_body import read_body
from domain.ids import MerchantId
from infra.http.auth import authenticated
from infra.http.context import request_context
from schemas.http.exports import RecordExportBody

router = APIRouter(tags=["exports"])

_authenticate = authenticated("payments:read")


@router.post("/exports", **DOCUMENTED)
async def create_export(request: Request) -> Response:
    """Record that rows are taken away as a file: by whom, which, and in which format.

    The rows themselves are read from the query API. Recorded twice, it was taken twice: there is no Idempotency-Key.
    """
    principal = await _authenticate(request, None)
    service = request.app.state.exports
    assert isinstance(service, ExportRecorder)
    try:
        actor = read_actor(request.headers.getlist(ACTOR_HEADER), principal)
        body = await read_body(request, RecordExportBody)
    except CommandError as error:
        raise problem_of(error) from error
    export_id, position = await service.record(
        body.parsed, merchant_id=MerchantId(principal.merchant_id), actor=actor, context=request_context(request)
    )
    answer = {"id": export_id, "position": position}
    return Response(orjson.dumps(answer), status_code=201, media_type="application/json")

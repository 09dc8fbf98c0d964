"""The endpoints of auditors: who did what, what was erased, how far the log is sealed, and proofs of its events."""

import re
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from domain.ids import PaymentId
from infra.access.principal import Principal
from infra.http.query_string import refuse_all
from query_api.audit.documentation import CAUSES, ERASURES, PROOFS, SEALS, STAFF_LOG
from query_api.audit.errors import subject_not_found
from query_api.audit.parameters import AuditPageParameters, StaffLogParameters
from query_api.audit.service import AuditReads
from query_api.parameters import LARGEST, Reader
from query_api.payments.errors import payment_not_found
from query_api.router import read_router
from schemas.http.strict import parse_id

SCOPE: Final = "audit:read"

_POSITION = re.compile(r"[1-9][0-9]{0,18}")
_NO_PARAMETERS: dict[str, Any] = {"dependencies": [Depends(refuse_all)]}


def audit_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that authenticates the caller."""
    router = read_router("audit")

    @router.get("/audit/seals", **_NO_PARAMETERS, **SEALS)
    async def get_seals(request: Request, _: Annotated[Principal, Depends(reader)]) -> Response:
        """Show the newest checkpoint of the log, how much is behind it, and what witnesses have signed."""
        return await _reads(request).seals()

    @router.get("/audit/staff-log", **STAFF_LOG)
    async def list_staff_actions(
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        parameters: Annotated[StaffLogParameters, Query()],
    ) -> Response:
        """List what people did, newest first: events of operators, and of those whom an API key vouched for."""
        return await _reads(request).staff_log(parameters)

    @router.get("/audit/erasures", **ERASURES)
    async def list_erasures(
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        parameters: Annotated[AuditPageParameters, Query()],
    ) -> Response:
        """List which users' personal data was erased, newest first: when, by whom and why."""
        return await _reads(request).erasures(parameters)

    @router.get("/audit/payments/{payment_id}/causes", **_NO_PARAMETERS, **CAUSES)
    async def get_causes(
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        payment_id: Annotated[str, Path(description="The payment's id.", json_schema_extra={"format": "uuid"})],
    ) -> Response:
        """Draw which event of a payment led to which."""
        subject = parse_id(payment_id)
        if subject is None:
            raise payment_not_found()
        return await _reads(request).causes(PaymentId(subject))

    @router.get("/audit/proofs/{subject}", **_NO_PARAMETERS, **PROOFS)
    async def get_proofs(
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        subject: Annotated[
            str, Path(description="A payment's or another stream's id, an event's id, or an event's position.")
        ],
    ) -> Response:
        """Prove that events are in the log as they were sealed.

        A zip archive: of each event the event itself (`<id>.json`) and beside it a proof that anybody can check offline
        (`<id>.tlog-proof`, https://c2sp.org/tlog-proof). An event that is not sealed yet is left out.
        """
        return await _reads(request).proof(_subject(subject))

    return router


def _subject(text: str) -> UUID | int:
    if _POSITION.fullmatch(text) and (position := int(text)) <= LARGEST:
        return position
    if (found := parse_id(text)) is None:
        raise subject_not_found()
    return found


def _reads(request: Request) -> AuditReads:
    reads = request.app.state.audit
    assert isinstance(reads, AuditReads)
    return reads

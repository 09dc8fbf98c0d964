"""The endpoint of disputes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from infra.access.principal import Principal
from query_api.disputes.documentation import DOCUMENTED
from query_api.disputes.parameters import DisputeListParameters
from query_api.disputes.service import DisputeReads
from query_api.min_position import MinPosition, larger
from query_api.parameters import Reader
from query_api.router import read_router


def dispute_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that authenticates the caller."""
    router = read_router("payments")

    @router.get("/disputes", **DOCUMENTED)
    async def list_disputes(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[DisputeListParameters, Query()],
        min_position: MinPosition,
    ) -> Response:
        """List disputes by the time at which evidence is due, the earliest first; of a payment, the newest one."""
        reads = request.app.state.disputes
        assert isinstance(reads, DisputeReads)
        return await reads.disputes(principal, parameters, larger(parameters, min_position))

    return router

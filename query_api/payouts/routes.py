"""The endpoints of payouts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from domain.ids import PayoutId
from infra.access.principal import Principal
from infra.http.query_string import refuse_all
from query_api.documentation import documented
from query_api.parameters import Reader, Text
from query_api.payouts.parameters import PayoutListParameters
from query_api.payouts.service import PayoutReads
from query_api.router import read_router
from schemas.http.payouts import PayoutPage, PayoutView

_FORBIDDEN = {403: {"forbidden": "The API key lacks the scope finance:read"}}
_NOT_BUILT = {503: {"projection_not_built": "After an upgrade: it has to be built first"}}
_NOT_FOUND = {404: {"payout_not_found": "There is no such payout"}}


def payout_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that authenticates the caller."""
    router = read_router("payouts")

    @router.get("/payouts", **documented(PayoutPage, _FORBIDDEN | _NOT_BUILT))
    async def list_payouts(
        *,
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        parameters: Annotated[PayoutListParameters, Query()],
    ) -> Response:
        """List payouts, newest first."""
        return await _reads(request).payouts(parameters)

    @router.get(
        "/payouts/{payout_id}", dependencies=[Depends(refuse_all)], **documented(PayoutView, _FORBIDDEN | _NOT_FOUND)
    )
    async def get_payout(
        *,
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        payout_id: Annotated[Text[PayoutId], Path(description="Stripe's id of it (po_...).")],
    ) -> Response:
        """Show a payout as Stripe last said it is. What it pays, the command API asks Stripe for."""
        return await _reads(request).payout(payout_id)

    return router


def _reads(request: Request) -> PayoutReads:
    reads = request.app.state.payouts
    assert isinstance(reads, PayoutReads)
    return reads

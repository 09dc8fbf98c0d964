"""The endpoints of split payments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from domain.ids import SplitPaymentId
from infra.access.principal import Principal
from infra.logs import bind_context
from query_api.min_position import MinPosition, larger
from query_api.parameters import IfNoneMatch, Reader, ReadParameters
from query_api.router import read_router
from query_api.split_payments.documentation import SPLIT_PAYMENT_ETAG, documented
from query_api.split_payments.errors import split_payment_not_found
from query_api.split_payments.parameters import SplitPaymentListParameters
from query_api.split_payments.service import SplitPaymentReads
from schemas.http.split_payments import SplitPaymentPage, SplitPaymentView
from schemas.http.strict import parse_id

SplitPaymentIdParameter = Annotated[
    str, Path(description="The split payment's id.", json_schema_extra={"format": "uuid"})
]


def split_payment_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that authenticates the caller."""
    router = read_router("split payments")

    @router.get("/split-payments", **documented(SplitPaymentPage))
    async def list_split_payments(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[SplitPaymentListParameters, Query()],
        min_position: MinPosition,
    ) -> Response:
        """List split payments, newest first, with their legs and what each waits for."""
        return await _reads(request).split_payments(principal, parameters, larger(parameters, min_position))

    @router.get("/split-payments/{split_payment_id}", **documented(SplitPaymentView, one=True, etag=SPLIT_PAYMENT_ETAG))
    async def get_split_payment(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        split_payment_id: SplitPaymentIdParameter,
        parameters: Annotated[ReadParameters, Query()],
        min_position: MinPosition,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Show a split payment with its legs, what it waits for, and all that happened to it."""
        found = parse_id(split_payment_id)
        if found is None:  # what is no id names no split payment
            raise split_payment_not_found()
        bind_context(split_payment_id=str(found))
        position = larger(parameters, min_position)
        return await _reads(request).split_payment(principal, SplitPaymentId(found), position, if_none_match)

    return router


def _reads(request: Request) -> SplitPaymentReads:
    reads = request.app.state.split_payments
    assert isinstance(reads, SplitPaymentReads)
    return reads

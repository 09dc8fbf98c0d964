"""The endpoints of the read side."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from infra.http.auth import Principal
from infra.logs import bind_context
from query_api.api import QueryApi
from query_api.documentation import documented
from query_api.errors import parse_payment_id
from query_api.parameters import PageParameters, PaymentListParameters, Position, ReadParameters
from schemas.http.queries import PaymentPage, PaymentView
from schemas.http.timeline import TimelinePage

Reader = Callable[..., Awaitable[Principal]]
PaymentId = Annotated[str, Path(description="The payment's id.", json_schema_extra={"format": "uuid"})]
MinPosition = Annotated[
    Position | None,
    Header(alias="Paystream-Min-Position", description="Like `min_position`; the larger holds."),
]


def payment_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that tells who asks."""
    router = APIRouter(tags=["payments"])

    @router.get("/payments", **documented(PaymentPage))
    async def list_payments(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[PaymentListParameters, Query()],
        min_position: MinPosition = None,
    ) -> Response:
        """List payments, newest first.

        A page follows the one before it without a loss or a repetition, however many payments are made meanwhile.
        """
        position = _larger(parameters, min_position)
        return await _api(request).payments(principal, parameters, position)

    @router.get("/payments/{payment_id}", **documented(PaymentView, 304, 404))
    async def get_payment(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        payment_id: PaymentId,
        parameters: Annotated[ReadParameters, Query()],
        min_position: MinPosition = None,
        if_none_match: Annotated[str | None, Header(description="The ETag of an earlier answer.")] = None,
    ) -> Response:
        """Show a payment with its refunds."""
        subject = parse_payment_id(payment_id)
        bind_context(payment_id=str(subject))
        position = _larger(parameters, min_position)
        return await _api(request).payment(principal, subject, position, if_none_match)

    @router.get("/payments/{payment_id}/events", **documented(TimelinePage, 404))
    async def list_payment_events(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        payment_id: PaymentId,
        parameters: Annotated[PageParameters, Query()],
        min_position: MinPosition = None,
    ) -> Response:
        """Show what happened to a payment, oldest first."""
        subject = parse_payment_id(payment_id)
        bind_context(payment_id=str(subject))
        position = _larger(parameters, min_position)
        return await _api(request).timeline(principal, subject, parameters, position)

    return router


def _api(request: Request) -> QueryApi:
    api = request.app.state.query_api
    assert isinstance(api, QueryApi)
    return api


def _larger(parameters: ReadParameters, header: int | None) -> int:
    """Return the position to wait for; 0 asks for none."""
    return max(parameters.min_position or 0, header or 0)

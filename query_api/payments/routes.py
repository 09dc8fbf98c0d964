"""The endpoints of payments."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from domain.ids import PaymentId
from infra.access.principal import Principal
from infra.logs import bind_context
from query_api.min_position import MinPosition, larger
from query_api.parameters import IfNoneMatch, PageParameters, Reader
from query_api.payments.documentation import PAYMENT_ETAG, documented
from query_api.payments.errors import payment_not_found
from query_api.payments.parameters import PaymentCountParameters, PaymentListParameters, PaymentParameters
from query_api.payments.service import PaymentReads
from query_api.router import read_router
from schemas.http.payment_views import PaymentCount, PaymentPage, PaymentView
from schemas.http.strict import parse_id
from schemas.http.timeline import TimelinePage

SCOPE: Final = "payments:read"

PaymentIdParameter = Annotated[str, Path(description="The payment's id.", json_schema_extra={"format": "uuid"})]


def payment_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that authenticates the caller."""
    router = read_router("payments")

    @router.get("/payments", **documented(PaymentPage))
    async def list_payments(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[PaymentListParameters, Query()],
        min_position: MinPosition,
    ) -> Response:
        """List payments, newest first.

        A page follows the one before it without a loss or a repetition, however many payments are made meanwhile.
        """
        position = larger(parameters, min_position)
        return await _reads(request).payments(principal, parameters, position)

    @router.get("/payment-count", **documented(PaymentCount))
    async def get_payment_count(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[PaymentCountParameters, Query()],
        min_position: MinPosition,
    ) -> Response:
        """Count payments by the filters of their list, up to a limit."""
        return await _reads(request).count(principal, parameters, larger(parameters, min_position))

    @router.get("/payments/{payment_id}", **documented(PaymentView, one=True, etag=PAYMENT_ETAG, history=True))
    async def get_payment(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        payment_id: PaymentIdParameter,
        parameters: Annotated[PaymentParameters, Query()],
        min_position: MinPosition,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Show a payment with its refunds: as it is, or as it was.

        What it was is read from the log, by `as_of` or `version`, and never changes.
        """
        subject = _payment_id(payment_id)
        bind_context(payment_id=str(subject))
        if (place := parameters.place()) is not None:
            return await _reads(request).payment_as_of(principal, subject, place, if_none_match)
        position = larger(parameters, min_position)
        return await _reads(request).payment(principal, subject, position, if_none_match)

    @router.get("/payments/{payment_id}/events", **documented(TimelinePage, one=True))
    async def list_payment_events(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        payment_id: PaymentIdParameter,
        parameters: Annotated[PageParameters, Query()],
        min_position: MinPosition,
    ) -> Response:
        """Show what happened to a payment, oldest first."""
        subject = _payment_id(payment_id)
        bind_context(payment_id=str(subject))
        position = larger(parameters, min_position)
        return await _reads(request).timeline(principal, subject, parameters, position)

    return router


def _payment_id(text: str) -> PaymentId:
    payment_id = parse_id(text)
    if payment_id is None:  # what is no id names no payment
        raise payment_not_found()
    return PaymentId(payment_id)


def _reads(request: Request) -> PaymentReads:
    reads = request.app.state.payments
    assert isinstance(reads, PaymentReads)
    return reads

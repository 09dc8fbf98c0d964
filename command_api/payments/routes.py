"""The endpoints of the write side. Each names its body and its operation; `service` does the rest."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from command_api.commands.client_operation import ClientOperation
from command_api.commands.service import CommandService
from command_api.payments.documentation import documented
from command_api.payments.operations import Cancel, Capture, Confirm, Create, RefundPayment
from command_api.payments.payment_id import parse_payment_id
from domain.ids import MerchantId, PaymentId, RefundId, RequestId
from infra.access.principal import Principal
from infra.http.auth import authenticated
from infra.ids import uuid7
from schemas.http.payments import (
    CancelPaymentBody,
    CapturePaymentBody,
    ConfirmPaymentBody,
    CreatePaymentBody,
    PaymentAnswer,
    RefundAnswer,
    RefundPaymentBody,
)

Body = TypeVar("Body", bound=BaseModel)
Authenticate = Callable[..., Awaitable[Principal]]

router = APIRouter(tags=["payments"])

PaymentIdPath = Annotated[str, Path(description="The payment's id.", json_schema_extra={"format": "uuid"})]

_authenticate = authenticated("payments:write")
_authenticate_refund = authenticated("refunds:write")


async def _service(request: Request, authenticate: Authenticate = _authenticate) -> tuple[CommandService, Principal]:
    """Return what the routes work with, and the caller.

    Called rather than declared as dependencies: resolving those takes FastAPI a tenth of the time of a create.
    """
    principal = await authenticate(request, None)
    service = request.app.state.payments
    assert isinstance(service, CommandService)
    return service, principal


@router.post("/payments", **documented(CreatePaymentBody, PaymentAnswer, 201))
async def create_payment(request: Request) -> Response:
    """Take a payment.

    Answered as soon as it is recorded, with status `pending`; with `Prefer: wait=N` when Stripe's outcome is known.
    """
    service, principal = await _service(request)

    def operation(body: CreatePaymentBody, key: str) -> Create:
        return Create(
            payment_id=PaymentId(uuid7()),
            merchant_id=MerchantId(principal.merchant_id),
            idempotency_key=key,
            request=body,
        )

    return await service.handle(request, principal, CreatePaymentBody, operation)


@router.post("/payments/{payment_id}/confirm", **documented(ConfirmPaymentBody, PaymentAnswer, 200, 202))
async def confirm_payment(request: Request, payment_id: PaymentIdPath) -> Response:
    """Try the charge: after a decline with another payment method, or of a payment made without confirming.

    While a confirmation is on its way, another one with the same payment method changes nothing.
    """
    return await _handle(
        request, payment_id, ConfirmPaymentBody, lambda subject, body: Confirm(payment_id=subject, request=body)
    )


@router.post("/payments/{payment_id}/capture", **documented(CapturePaymentBody, PaymentAnswer, 200, 202))
async def capture_payment(request: Request, payment_id: PaymentIdPath) -> Response:
    """Take the money that is held, or a part of it once: the rest is then released."""
    return await _handle(
        request,
        payment_id,
        CapturePaymentBody,
        lambda subject, body: Capture(payment_id=subject, request_id=RequestId(uuid7()), request=body),
    )


@router.post("/payments/{payment_id}/cancel", **documented(CancelPaymentBody, PaymentAnswer, 200, 202))
async def cancel_payment(request: Request, payment_id: PaymentIdPath) -> Response:
    """Give a payment up that has not succeeded; money that is held is released."""
    return await _handle(
        request,
        payment_id,
        CancelPaymentBody,
        lambda subject, body: Cancel(payment_id=subject, request_id=RequestId(uuid7()), request=body),
    )


@router.post("/payments/{payment_id}/refund", **documented(RefundPaymentBody, RefundAnswer, 200, 202))
async def refund_payment(request: Request, payment_id: PaymentIdPath) -> Response:
    """Give money back, all that is left or a part, as often as there is some left.

    The amount is held at once: refunds at the same time never exceed what was captured. While the payer's bank
    contests the payment, and once it has the money back, nothing can be refunded.
    """
    return await _handle(
        request,
        payment_id,
        RefundPaymentBody,
        lambda subject, body: RefundPayment(payment_id=subject, refund_id=RefundId(uuid7()), request=body),
        _authenticate_refund,
    )


async def _handle(
    request: Request,
    payment_id: str,
    model: type[Body],
    operation_of: Callable[[PaymentId, Body], ClientOperation],
    authenticate: Authenticate = _authenticate,
) -> Response:
    """Handle a request about a payment that exists: the operation that `operation_of(its id, body)` returns."""
    service, principal = await _service(request, authenticate)
    subject = parse_payment_id(payment_id)
    return await service.handle(request, principal, model, lambda body, _: operation_of(subject, body), subject)

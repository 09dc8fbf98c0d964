"""The endpoints of the write side. Each names its body and its operation; `api` does the rest."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from command_api.api import CommandApi, parse_payment_id
from command_api.documentation import documented
from command_api.operations import Cancel, Capture, Confirm, Create, RefundPayment
from infra.http.auth import Principal, authenticated
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

router = APIRouter(tags=["payments"])

PaymentId = Annotated[str, Path(description="The payment's id.", json_schema_extra={"format": "uuid"})]

_authenticate = authenticated("payments:write")


async def _api(request: Request) -> tuple[CommandApi, Principal]:
    """Return what the routes work with, and who calls.

    Called rather than declared as dependencies: resolving those takes FastAPI a tenth of the time of a create.
    """
    principal = await _authenticate(request, None)
    api = request.app.state.command_api
    assert isinstance(api, CommandApi)
    return api, principal


@router.post("/payments", **documented(CreatePaymentBody, PaymentAnswer, 201))
async def create_payment(request: Request) -> Response:
    """Take a payment.

    Answered as soon as it is recorded, with status `pending`; with `Prefer: wait=N` when Stripe's outcome is known.
    """
    api, principal = await _api(request)

    def operation(body: CreatePaymentBody, key: str) -> Create:
        return Create(payment_id=uuid7(), merchant_id=principal.merchant_id, idempotency_key=key, wanted=body)

    return await api.answer(request, principal, CreatePaymentBody, operation)


@router.post("/payments/{payment_id}/confirm", **documented(ConfirmPaymentBody, PaymentAnswer, 200, 202))
async def confirm_payment(request: Request, payment_id: PaymentId) -> Response:
    """Try the charge: after a decline with another payment method, or of a payment made without confirming.

    While a confirmation is on its way, another one with the same payment method changes nothing.
    """
    api, principal = await _api(request)
    subject = parse_payment_id(payment_id)

    def operation(body: ConfirmPaymentBody, _: str) -> Confirm:
        return Confirm(payment_id=subject, wanted=body)

    return await api.answer(request, principal, ConfirmPaymentBody, operation, subject)


@router.post("/payments/{payment_id}/capture", **documented(CapturePaymentBody, PaymentAnswer, 200, 202))
async def capture_payment(request: Request, payment_id: PaymentId) -> Response:
    """Take the money that is held, or a part of it once: the rest is then released."""
    api, principal = await _api(request)
    subject = parse_payment_id(payment_id)

    def operation(body: CapturePaymentBody, _: str) -> Capture:
        return Capture(payment_id=subject, request_id=uuid7(), wanted=body)

    return await api.answer(request, principal, CapturePaymentBody, operation, subject)


@router.post("/payments/{payment_id}/cancel", **documented(CancelPaymentBody, PaymentAnswer, 200, 202))
async def cancel_payment(request: Request, payment_id: PaymentId) -> Response:
    """Give a payment up that has not succeeded; money that is held is released."""
    api, principal = await _api(request)
    subject = parse_payment_id(payment_id)

    def operation(body: CancelPaymentBody, _: str) -> Cancel:
        return Cancel(payment_id=subject, request_id=uuid7(), wanted=body)

    return await api.answer(request, principal, CancelPaymentBody, operation, subject)


@router.post("/payments/{payment_id}/refund", **documented(RefundPaymentBody, RefundAnswer, 200, 202))
async def refund_payment(request: Request, payment_id: PaymentId) -> Response:
    """Give money back, all that is left or a part.

    The amount is held at once: refunds at the same time never exceed what was captured.
    """
    api, principal = await _api(request)
    subject = parse_payment_id(payment_id)

    def operation(body: RefundPaymentBody, _: str) -> RefundPayment:
        return RefundPayment(payment_id=subject, refund_id=uuid7(), wanted=body)

    return await api.answer(request, principal, RefundPaymentBody, operation, subject)

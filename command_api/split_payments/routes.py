"""The endpoints of split payments. Each names its body and its operation; the command service does the rest."""

import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from command_api.commands.service import CommandService
from command_api.errors import SplitPaymentNotFound, problem_of
from command_api.payments.documentation import documented
from command_api.payments.routes import Authenticate
from command_api.split_payments.operations import (
    CancelSplit,
    CreateSplit,
    RefundSplit,
    draw_leg_ids,
    draw_part_ids,
)
from domain.ids import MerchantId, RefundId, SplitPaymentId
from infra.access.principal import Principal
from infra.http.auth import authenticated
from infra.ids import uuid7
from schemas.http.split_payments import (
    CancelSplitPaymentBody,
    CreateSplitPaymentBody,
    RefundSplitPaymentBody,
    SplitPaymentAnswer,
    SplitRefundAnswer,
)
from schemas.http.strict import parse_id

router = APIRouter(tags=["split payments"])

SplitPaymentIdPath = Annotated[str, Path(description="The split payment's id.", json_schema_extra={"format": "uuid"})]

_authenticate = authenticated("payments:write")
_authenticate_refund = authenticated("refunds:write")


async def _service(request: Request, authenticate: Authenticate = _authenticate) -> tuple[CommandService, Principal]:
    principal = await authenticate(request, None)
    service = request.app.state.split_payments
    assert isinstance(service, CommandService)
    return service, principal


@router.post("/split-payments", **documented(CreateSplitPaymentBody, SplitPaymentAnswer, 201))
async def create_split_payment(request: Request) -> Response:
    """Pay one purchase by several payments, all or nothing.

    Every leg is authorized at once, and captured when all of them are; if one cannot be, all are released. Answered as
    soon as it is recorded; with `Prefer: wait=N` when it has ended, or a customer has to act.
    """
    service, principal = await _service(request)

    def operation(body: CreateSplitPaymentBody, key: str) -> CreateSplit:
        return CreateSplit(
            split_payment_id=SplitPaymentId(uuid7()),
            merchant_id=MerchantId(principal.merchant_id),
            idempotency_key=key,
            leg_ids=draw_leg_ids(),
            request=body,
            now=time.time,
        )

    return await service.handle(request, principal, CreateSplitPaymentBody, operation)


@router.post(
    "/split-payments/{split_payment_id}/cancel", **documented(CancelSplitPaymentBody, SplitPaymentAnswer, 200, 202)
)
async def cancel_split_payment(request: Request, split_payment_id: SplitPaymentIdPath) -> Response:
    """Take a split payment back before it is captured: what is held is released on every leg."""
    service, principal = await _service(request)
    subject = _parse(split_payment_id)

    def operation(body: CancelSplitPaymentBody, _: str) -> CancelSplit:
        return CancelSplit(split_payment_id=subject, request=body)

    return await service.handle(request, principal, CancelSplitPaymentBody, operation, subject)


@router.post(
    "/split-payments/{split_payment_id}/refund", **documented(RefundSplitPaymentBody, SplitRefundAnswer, 200, 202)
)
async def refund_split_payment(request: Request, split_payment_id: SplitPaymentIdPath) -> Response:
    """Give money back, all that is left or a part, in proportion to what can be refunded of each leg.

    The parts add up to the amount, to the last unit. A leg whose refund fails shows, and the others stand.
    """
    service, principal = await _service(request, _authenticate_refund)
    subject = _parse(split_payment_id)

    def operation(body: RefundSplitPaymentBody, _: str) -> RefundSplit:
        return RefundSplit(
            split_payment_id=subject, refund_id=RefundId(uuid7()), part_ids=draw_part_ids(), request=body
        )

    return await service.handle(request, principal, RefundSplitPaymentBody, operation, subject)


def _parse(text: str) -> SplitPaymentId:
    found = parse_id(text)
    if found is None:
        raise problem_of(SplitPaymentNotFound())
    return SplitPaymentId(found)

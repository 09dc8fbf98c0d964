"""The endpoint that hands out client secrets. It changes nothing, so that it takes no Idempotency-Key."""

import structlog
from fastapi import APIRouter, Request, Response

from command_api.client_secrets.documentation import DOCUMENTED
from command_api.client_secrets.service import ClientSecretReader
from command_api.errors import CommandError, problem_of
from command_api.headers import read_wait_preference
from command_api.payments.payment_id import parse_payment_id
from command_api.payments.routes import PaymentIdPath
from command_api.stripe_reads import StripeRefused, problem_of_refusal
from domain.ids import MerchantId
from infra.http.auth import authenticated
from infra.http.query_string import refuse_query_string
from infra.logs import bind_context

log = structlog.get_logger(__name__)

router = APIRouter(tags=["payments"])

_authenticate = authenticated("payments:write")


@router.get("/payments/{payment_id}/client_secret", **DOCUMENTED)
async def get_client_secret(request: Request, payment_id: PaymentIdPath) -> Response:
    """Read what the customer's browser confirms the payment with (Stripe.js), or authenticates with (3DS).

    It is read from Stripe each time, and neither stored nor logged. Hand it to the customer of the payment, to nobody
    else, and only over TLS. With `Prefer: wait=N` a payment that Stripe does not know yet is waited for.
    """
    principal = await _authenticate(request, None)
    refuse_query_string(request)
    reader = request.app.state.client_secrets
    assert isinstance(reader, ClientSecretReader)
    subject = parse_payment_id(payment_id)
    bind_context(payment_id=str(subject))
    wait_s = read_wait_preference(request.headers.getlist("prefer"), request.app.state.payments.max_wait_s)
    try:
        answer = await reader.answer(subject, MerchantId(principal.merchant_id), wait_s=wait_s or 0)
    except CommandError as error:
        raise problem_of(error) from error
    except StripeRefused as error:
        raise problem_of_refusal(error) from None
    log.info("client_secret_read", actor=f"api:{principal.key_id}")
    headers = {"Cache-Control": "no-store"}  # https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.5
    if wait_s is not None:
        headers["Preference-Applied"] = f"wait={wait_s}"
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")

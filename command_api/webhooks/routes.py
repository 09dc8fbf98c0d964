"""The endpoint that Stripe calls. It is authenticated by the webhook secret, and takes no Idempotency-Key."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from command_api.request_body import read_bytes
from command_api.webhooks.documentation import DOCUMENTED
from command_api.webhooks.errors import InvalidSignature, TooLarge, WebhookRefused
from command_api.webhooks.service import WebhookIntake, WebhookResult
from command_api.webhooks.signature import HEADER
from infra.http.context import request_context
from infra.http.problems import Problem

router = APIRouter(tags=["webhooks"])


@router.post("/webhooks/stripe", **DOCUMENTED)
async def receive_stripe_webhook(request: Request) -> Response:
    """Take an event of Stripe.

    Answered when it is recorded, with `duplicate` when it was before. What it means is found out afterwards: an event
    is only a hint to look at Stripe. Anything but 200 makes Stripe send it again, for three days.
    """
    intake = request.app.state.webhooks
    assert isinstance(intake, WebhookIntake)
    try:
        raw = await _read(request, intake)
        received = await intake.receive(raw, _signature(request, intake), request_context(request))
    except WebhookRefused as error:
        headers = {"Connection": "close"} if isinstance(error, TooLarge) else {}
        raise Problem(error.status, error.code, error.title, str(error), headers) from None
    answer: dict[str, Any] = {"received": True, "duplicate": received is WebhookResult.DUPLICATE}
    return Response(orjson.dumps(answer), media_type="application/json")


async def _read(request: Request, intake: WebhookIntake) -> bytes:
    """Return the bytes as they came: they are what is signed."""
    raw = await read_bytes(request, intake.max_bytes)
    if raw is None:
        raise intake.refuse(TooLarge(intake.max_bytes))
    return raw


def _signature(request: Request, intake: WebhookIntake) -> str:
    match request.headers.getlist(HEADER):
        case [signature]:
            return signature
        case _:
            raise intake.refuse(InvalidSignature())

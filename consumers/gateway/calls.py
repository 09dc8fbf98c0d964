"""The only module that calls Stripe. Always with our idempotency key; answers are plain JSON."""

import asyncio
from typing import Any, Protocol
from uuid import UUID

import stripe

from consumers.gateway.requests import PAYMENT_ID, REFUND_ID, StripeRequest
from consumers.gateway.tasks import Operation

JsonObject = dict[str, Any]


class Stripe(Protocol):
    """What the gateway needs of Stripe. Methods raise stripe.StripeError or TimeoutError."""

    async def send(self, request: StripeRequest) -> JsonObject:
        """Make the call and return the object that it answers."""

    async def find_intent(self, *, intent_id: str | None, payment_id: UUID) -> JsonObject | None:
        """Return the payment's intent as it is now, by its id or else by our metadata."""

    async def find_refund(self, *, intent_id: str, refund_id: UUID) -> JsonObject | None:
        """Return the refund of an intent that carries our id."""


class StripeApi:
    """Stripe itself, or its sandbox. A call ends within `timeout_s`, all its phases together."""

    def __init__(self, client: stripe.StripeClient, *, timeout_s: float) -> None:
        self._v1 = client.v1
        self._timeout_s = timeout_s

    async def send(self, request: StripeRequest) -> JsonObject:
        """Make the call and return the object that it answers."""
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        params: Any = request.params
        intents = self._v1.payment_intents
        intent_id = request.intent_id or ""
        async with asyncio.timeout(self._timeout_s):
            answer: stripe.PaymentIntent | stripe.Refund
            match request.operation:
                case Operation.CREATE_INTENT:
                    answer = await intents.create_async(params, options)
                case Operation.CONFIRM_INTENT:
                    answer = await intents.confirm_async(intent_id, params, options)
                case Operation.CAPTURE_INTENT:
                    answer = await intents.capture_async(intent_id, params, options)
                case Operation.CANCEL_INTENT:
                    answer = await intents.cancel_async(intent_id, params, options)
                case Operation.CREATE_REFUND:
                    answer = await self._v1.refunds.create_async(params, options)
        return answer.to_dict()

    async def find_intent(self, *, intent_id: str | None, payment_id: UUID) -> JsonObject | None:
        """Return the payment's intent as it is now, by its id or else by our metadata.

        The search lags behind by up to a minute, and by more while Stripe has trouble:
        https://docs.stripe.com/search#data-freshness.
        """
        async with asyncio.timeout(self._timeout_s):
            if intent_id is not None:
                found = await self._v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
                return found.to_dict()
            result = await self._v1.payment_intents.search_async(
                {"query": f"metadata['{PAYMENT_ID}']:'{payment_id}'", "limit": 1}
            )
            return result.data[0].to_dict() if result.data else None

    async def find_refund(self, *, intent_id: str, refund_id: UUID) -> JsonObject | None:
        """Return the refund of an intent that carries our id. A charge has few refunds, so all are looked at."""
        async with asyncio.timeout(self._timeout_s):
            page = await self._v1.refunds.list_async({"payment_intent": intent_id, "limit": 100})
            async for refund in page.auto_paging_iter():
                shown = refund.to_dict()
                if (shown.get("metadata") or {}).get(REFUND_ID) == str(refund_id):
                    return shown
        return None

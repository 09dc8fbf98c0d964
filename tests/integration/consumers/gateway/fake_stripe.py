"""A Stripe in memory, as strict about idempotency keys as the real one, that fails as it is told."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import stripe

from consumers.gateway.calls import Reading, TooLate
from consumers.gateway.requests import PAYMENT_ID, REFUND_ID, StripeRequest
from consumers.gateway.tasks import Operation

Json = dict[str, Any]

DECLINED = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
}


@dataclass(kw_only=True)
class FakeStripe:
    """`failures` are raised by the next calls, before (or, with `after_effect`, after) they do anything.

    `reads` are the intents that were read whole; `unsearchable` those that the search does not show yet.
    """

    intents: dict[str, Json] = field(default_factory=dict)
    refunds: list[Json] = field(default_factory=list)
    disputes: list[Json] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    unsearchable: set[str] = field(default_factory=set)
    sent: list[StripeRequest] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    after_effect: bool = False
    latency_s: float = 0.0
    hold: asyncio.Event | None = None
    most_in_flight: Counter[str] = field(default_factory=Counter)
    _stored: dict[str, tuple[StripeRequest, Json | Exception]] = field(default_factory=dict)
    _in_flight: Counter[str] = field(default_factory=Counter)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def send(self, request: StripeRequest, *, not_after: float = float("inf")) -> Json:
        if time.time() > not_after:
            raise TooLate
        self.sent.append(request)
        payment = request.params.get("metadata", {}).get(PAYMENT_ID) or self._payment_of(str(request.intent_id))
        self._enter(payment)
        try:
            await asyncio.sleep(self.latency_s)
            if self.hold is not None:
                await self.hold.wait()
            failure = self.failures.pop(0) if self.failures else None
            if failure is not None and not self.after_effect:
                raise failure
            answer = self._answer(request)
            if failure is not None:
                raise failure
        finally:
            self._in_flight[payment] -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find_intent(self, *, intent_id: str | None, payment_id: UUID) -> Json | None:
        if intent_id is not None:
            return self.intents[intent_id]
        searchable = (intent for intent in self.intents.values() if intent["id"] not in self.unsearchable)
        return self._of_payment(payment_id, searchable)

    async def list_intent(
        self, payment_id: UUID, *, created_from: float, created_to: float, not_after: float = float("inf")
    ) -> Json | None:
        now = time.time()
        assert created_from < now - 24 * 3600
        assert created_to > created_from + 24 * 3600
        assert not_after > now
        return self._of_payment(payment_id, self.intents.values())

    async def read(self, intent_id: str) -> Reading:
        self.reads.append(intent_id)
        payment = self._payment_of(intent_id)
        self._enter(payment)
        try:
            await asyncio.sleep(self.latency_s)
            shown = Reading(
                intent=dict(self.intents[intent_id]),
                refunds=tuple(dict(refund) for refund in self.refunds if refund["payment_intent"] == intent_id),
                disputes=tuple(dict(dispute) for dispute in self.disputes if dispute["payment_intent"] == intent_id),
            )
            if self.hold is not None:
                await self.hold.wait()
            if self.failures:
                raise self.failures.pop(0)
        finally:
            self._in_flight[payment] -= 1
        return shown

    async def find_refund(self, *, intent_id: str, refund_id: UUID) -> Json | None:
        ours = (r for r in self.refunds if r["metadata"].get(REFUND_ID) == str(refund_id))
        return next((refund for refund in ours if refund["payment_intent"] == intent_id), None)

    def _of_payment(self, payment_id: UUID, intents: Iterable[Json]) -> Json | None:
        return next((intent for intent in intents if intent["metadata"].get(PAYMENT_ID) == str(payment_id)), None)

    def _payment_of(self, intent_id: str) -> str:
        return str(self.intents[intent_id]["metadata"][PAYMENT_ID])

    def _enter(self, payment: str) -> None:
        self._in_flight[payment] += 1
        self.most_in_flight[payment] = max(self.most_in_flight[payment], self._in_flight[payment])

    def _answer(self, request: StripeRequest) -> Json | Exception:
        stored = self._stored.get(request.idempotency_key)
        if stored is None:
            stored = self._stored[request.idempotency_key] = (request, self._perform(request))
        if stored[0] != request:
            return stripe.IdempotencyError(
                "Keys for idempotent requests can only be used with the same parameters",
                http_status=400,
                json_body={"error": {"type": "idempotency_error", "message": "another request"}},
            )
        return stored[1]

    def _perform(self, request: StripeRequest) -> Json | Exception:
        match request.operation:
            case Operation.CREATE_INTENT:
                return self._create(request.params)
            case Operation.CREATE_REFUND:
                return self._refund(request.params)
            case Operation.CAPTURE_INTENT:
                amount = request.params["amount_to_capture"]
                return self._change(request, "succeeded", amount_received=amount, amount_capturable=0)
            case Operation.CANCEL_INTENT:
                return self._change(request, "canceled")
            case Operation.REFRESH_PAYMENT:
                raise AssertionError("nothing is sent for a refresh")
            case Operation.CONFIRM_INTENT:
                intent = self.intents[str(request.intent_id)]
                return self._change(request, "succeeded", amount_received=intent["amount"])

    def _create(self, params: Json) -> Json | Exception:
        number = next(self._numbers)
        intent: Json = {
            "id": f"pi_{number}",
            "amount": params["amount"],
            "amount_capturable": 0,
            "amount_received": 0,
            "currency": params["currency"],
            "metadata": params["metadata"],
            "status": "requires_confirmation" if "payment_method" in params else "requires_payment_method",
            "latest_charge": None,
            "last_payment_error": None,
        }
        self.intents[intent["id"]] = intent
        if not params.get("confirm"):
            return dict(intent)
        intent["latest_charge"] = f"ch_{number}"
        if params["payment_method"] == "pm_card_chargeDeclined":
            error = {**DECLINED, "charge": f"ch_{number}"}
            intent |= {"status": "requires_payment_method", "last_payment_error": error}
            body = {"error": {**error, "payment_intent": dict(intent)}}
            return stripe.CardError("declined", None, "card_declined", http_status=402, json_body=body)
        if params.get("capture_method") == "manual":
            intent |= {"status": "requires_capture", "amount_capturable": params["amount"]}
        else:
            intent |= {"status": "succeeded", "amount_received": params["amount"]}
        return dict(intent)

    def _change(self, request: StripeRequest, status: str, **fields: Any) -> Json:
        intent = self.intents[str(request.intent_id)]
        charge = intent["latest_charge"] or f"ch_{intent['id']}"
        intent |= {"status": status, "latest_charge": charge, **fields}
        return dict(intent)

    def _refund(self, params: Json) -> Json:
        currency = self.intents[params["payment_intent"]]["currency"]
        refund = {"id": f"re_{next(self._numbers)}", "status": "succeeded", "currency": currency, **params}
        self.refunds.append(refund)
        return refund

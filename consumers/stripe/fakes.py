"""A Stripe in memory that fails as it is told; the same contract tests run against it and the real client.

For tests only. It knows what the gateway relies on: keys, declines, refusals, holds, refunds, and how they are found.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterable
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any

import stripe

from consumers.stripe.client import LeaseExpired
from consumers.stripe.payments import StripePayment
from consumers.stripe.requests import StripeRequest
from consumers.stripe.translate.ids import PAYMENT_ID, REFUND_ID
from consumers.tasks.models import TaskOperation
from domain.ids import PaymentId, RefundId, StripeIntentId

Json = dict[str, Any]

DECLINED = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
}
_DECLINED_CARD = "pm_card_chargeDeclined"
_CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_CANCELABLE = _CONFIRMABLE | {"requires_capture"}
_GIVEN_BACK_AGAIN = frozenset({"failed", "canceled"})


@dataclass(kw_only=True)
class MemoryStripe:
    """`failures` are raised by the next calls, before (or, with `after_effect`, after) they do anything.

    `server_errors`: the next calls are answered by a 500, which Stripe keeps for the key; each says whether after its
    effect. `reads` are the intents that were read whole; `listed` the bounds of time within which intents were
    listed; `unsearchable` the intents that the search does not show yet.
    """

    intents: dict[str, Json] = field(default_factory=dict)
    refunds: list[Json] = field(default_factory=list)
    disputes: list[Json] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    listed: list[tuple[float, float]] = field(default_factory=list)
    unsearchable: set[str] = field(default_factory=set)
    sent: list[StripeRequest] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    after_effect: bool = False
    server_errors: list[bool] = field(default_factory=list)
    latency_s: float = 0.0
    hold: asyncio.Event | None = None
    most_in_flight: Counter[str] = field(default_factory=Counter)
    _stored: dict[str, tuple[StripeRequest, Json | Exception]] = field(default_factory=dict)
    _in_flight: Counter[str] = field(default_factory=Counter)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def send(self, request: StripeRequest, *, not_after: float = float("inf")) -> Json:
        """Make the call and return the object that it answers."""
        if time.time() > not_after:
            raise LeaseExpired
        self.sent.append(request)
        payment = request.params.get("metadata", {}).get(PAYMENT_ID) or self._payment_of(
            StripeIntentId(str(request.intent_id))
        )
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

    async def find_intent(self, *, intent_id: StripeIntentId | None, payment_id: PaymentId) -> Json | None:
        """Return the payment's intent as it is now, by its id or else by our metadata."""
        if intent_id is not None:
            return deepcopy(self._intent(intent_id))
        searchable = (intent for intent in self.intents.values() if intent["id"] not in self.unsearchable)
        return self._of_payment(payment_id, searchable)

    async def list_intent(
        self, payment_id: PaymentId, *, created_from: float, created_to: float, not_after: float = float("inf")
    ) -> Json | None:
        """Return the payment's intent by our metadata, among all that were created then."""
        if time.time() > not_after:
            raise LeaseExpired
        self.listed.append((created_from, created_to))
        created_then = (i for i in self.intents.values() if int(created_from) <= i["created"] <= int(created_to) + 1)
        return self._of_payment(payment_id, created_then)

    async def read(self, intent_id: StripeIntentId) -> StripePayment:
        """Return an intent with all that belongs to it."""
        self.reads.append(intent_id)
        payment = self._payment_of(intent_id)
        self._enter(payment)
        try:
            await asyncio.sleep(self.latency_s)
            shown = StripePayment(
                intent=deepcopy(self._intent(intent_id)),
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

    async def find_refund(self, *, intent_id: StripeIntentId, refund_id: RefundId) -> Json | None:
        """Return the refund of an intent that carries our id."""
        ours = (r for r in self.refunds if r["metadata"].get(REFUND_ID) == str(refund_id))
        return next((dict(refund) for refund in ours if refund["payment_intent"] == intent_id), None)

    def _of_payment(self, payment_id: PaymentId, intents: Iterable[Json]) -> Json | None:
        of_it = (intent for intent in intents if intent["metadata"].get(PAYMENT_ID) == str(payment_id))
        return next((deepcopy(intent) for intent in of_it), None)

    def _intent(self, intent_id: StripeIntentId) -> Json:
        intent = self.intents.get(intent_id)
        if intent is None:
            raise _refusal(f"No such payment_intent: '{intent_id}'", "resource_missing", param="intent", status=404)
        return intent

    def _payment_of(self, intent_id: StripeIntentId) -> str:
        """Return our id of a payment; of an intent that is not there, its own."""
        intent = self.intents.get(intent_id)
        return intent_id if intent is None else str(intent["metadata"][PAYMENT_ID])

    def _enter(self, payment: str) -> None:
        self._in_flight[payment] += 1
        self.most_in_flight[payment] = max(self.most_in_flight[payment], self._in_flight[payment])

    def _answer(self, request: StripeRequest) -> Json | Exception:
        """Return what is stored under the key, and perform the request if nothing is."""
        stored = self._stored.get(request.idempotency_key)
        if stored is None:
            answer = self._perform_or_fail(request)
            self._stored[request.idempotency_key] = (request, answer)
            return deepcopy(answer) if isinstance(answer, dict) else answer
        if stored[0] != request:
            return stripe.IdempotencyError(
                "Keys for idempotent requests can only be used with the same parameters",
                http_status=400,
                json_body={"error": {"type": "idempotency_error", "message": "another request"}},
            )
        return deepcopy(stored[1]) if isinstance(stored[1], dict) else _replayed(stored[1])

    def _perform_or_fail(self, request: StripeRequest) -> Json | Exception:
        if not self.server_errors:
            return self._perform(request)
        if self.server_errors.pop(0):
            self._perform(request)
        body = {"error": {"type": "api_error", "message": "An unknown error occurred."}}
        return stripe.APIError("An unknown error occurred.", http_status=500, json_body=body)

    def _perform(self, request: StripeRequest) -> Json | Exception:
        params, intent_id = request.params, StripeIntentId(str(request.intent_id))
        try:
            match request.operation:
                case TaskOperation.CREATE_INTENT:
                    return self._create(params)
                case TaskOperation.CREATE_REFUND:
                    return self._refund(params)
                case TaskOperation.CAPTURE_INTENT:
                    return self._capture(self._intent(intent_id), params["amount_to_capture"])
                case TaskOperation.CANCEL_INTENT:
                    return self._cancel(self._intent(intent_id))
                case TaskOperation.CONFIRM_INTENT:
                    return self._confirm(self._intent(intent_id), params)
                case TaskOperation.REFRESH_PAYMENT:
                    raise AssertionError("nothing is sent for a refresh")
        except stripe.StripeError as refusal:
            return refusal  # stored under the key, as any answer is

    def _create(self, params: Json) -> Json | Exception:
        number = next(self._numbers)
        intent: Json = {
            "id": f"pi_{number}",
            "created": int(time.time()),
            "amount": params["amount"],
            "amount_capturable": 0,
            "amount_received": 0,
            "capture_method": params.get("capture_method", "automatic"),
            "currency": params["currency"],
            "metadata": params["metadata"],
            "payment_method": params.get("payment_method"),
            "status": "requires_confirmation" if "payment_method" in params else "requires_payment_method",
            "latest_charge": None,
            "last_payment_error": None,
        }
        self.intents[intent["id"]] = intent
        return self._confirm(intent, params) if params.get("confirm") else dict(intent)

    def _confirm(self, intent: Json, params: Json) -> Json:
        _check_status(intent, _CONFIRMABLE)
        method, charge = params.get("payment_method") or intent["payment_method"], f"ch_{intent['id'][3:]}"
        intent |= {"latest_charge": charge, "payment_method": method}
        if method == _DECLINED_CARD:
            error = {**DECLINED, "charge": charge}
            intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
            body = {"error": {**error, "payment_intent": dict(intent)}}
            raise stripe.CardError("declined", None, "card_declined", http_status=402, json_body=body)
        intent["last_payment_error"] = None
        if intent["capture_method"] == "manual":
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        else:
            intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        return dict(intent)

    def _capture(self, intent: Json, amount: int) -> Json:
        _check_status(intent, {"requires_capture"})
        if amount > intent["amount_capturable"]:
            raise _refusal("The capture amount is greater than the amount you can capture.", "amount_too_large")
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        return dict(intent)

    def _cancel(self, intent: Json) -> Json:
        _check_status(intent, _CANCELABLE)
        intent |= {"status": "canceled", "amount_capturable": 0}
        return dict(intent)

    def _refund(self, params: Json) -> Json:
        intent = self._intent(params["payment_intent"])
        if not intent["amount_received"]:
            raise _refusal("This PaymentIntent does not have a successful charge to refund.", None)
        of_it = (refund for refund in self.refunds if refund["payment_intent"] == intent["id"])
        given_back = sum(refund["amount"] for refund in of_it if refund["status"] not in _GIVEN_BACK_AGAIN)
        if given_back >= intent["amount_received"]:
            raise _refusal("The charge has already been refunded.", "charge_already_refunded")
        left = intent["amount_received"] - given_back
        params = {"amount": left, **params}
        if params["amount"] > left:
            raise _refusal("Refund amount is greater than unrefunded amount on charge", None, param="amount")
        number = next(self._numbers)
        refund = {"id": f"re_{number}", "status": "succeeded", "currency": intent["currency"], **params}
        self.refunds.append(refund)
        return dict(refund)


def _replayed(answer: Exception) -> Exception:
    again = copy(answer)
    if isinstance(again, stripe.StripeError):
        again.headers = {"Idempotent-Replayed": "true"}
    return again


def _check_status(intent: Json, allowed: Iterable[str]) -> None:
    if intent["status"] not in allowed:
        message = f"This PaymentIntent has a status of {intent['status']}."
        raise _refusal(message, "payment_intent_unexpected_state", payment_intent=dict(intent))


def _refusal(
    message: str, code: str | None, *, param: str | None = None, status: int = 400, **members: Json
) -> stripe.InvalidRequestError:
    error = {"type": "invalid_request_error", "message": message, "code": code, "param": param, **members}
    return stripe.InvalidRequestError(message, param, code, http_status=status, json_body={"error": error})

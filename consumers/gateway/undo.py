"""How a payment that was called failed, and exists at Stripe after all, is undone there. Pure.

It failed here because Stripe answered its creation with a failure of its own and did not list it afterwards. The client
was told so and may have paid again by another payment: nobody may stay charged for this one. To undo it twice does no
harm: a canceled intent cannot be canceled again, and what was refunded whole has nothing left to refund
(https://docs.stripe.com/api/refunds/create). So a call that Stripe failed, or refused as the charge was disputed, is
made once more, with another key: for the first one that answer is stored, and would be given for a day.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from consumers.stripe.client import JsonObject
from consumers.stripe.payments import StripePayment
from consumers.stripe.requests import StripeRequest
from consumers.stripe.translate.ids import PAYMENT_ID, required_id_of
from consumers.tasks.models import TaskOperation
from domain.ids import EventId, PaymentId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.money import Money
from domain.payment.events import UndoneRefund
from domain.payment.observations import RecordUndone

MOST_KEYS = 20
"""So often it is tried anew after a failure or a refusal; then a person has to look."""
_CAME_BACK = frozenset({"failed", "canceled"})
_OVER = frozenset({"won", "warning_closed", "prevented"})
"""A dispute in such a status takes no money."""
_CANCELABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"})


class UndoKind(StrEnum):
    """How it was undone."""

    CANCELED = "canceled"
    REFUNDED = "refunded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Undo:
    """The next call, and what is to be recorded when it went well: see `observation_of`."""

    request: StripeRequest
    observation: RecordUndone


@dataclass(frozen=True, kw_only=True, slots=True)
class Undone:
    """Nothing is left to do."""

    observation: RecordUndone


@dataclass(frozen=True, kw_only=True, slots=True)
class NotYet:
    """It stands where nothing can be done: a bank is at work on it."""


def undo_step(
    reading: StripePayment, *, event_id: EventId, payment_id: PaymentId, failures: int = 0
) -> Undo | Undone | NotYet:
    """Return what is to be done about the intent that was made for the event.

    `failures`: for so many keys Stripe has stored a failure or a refusal.
    """
    key_end = f"{event_id}-{failures + 1}" if failures else str(event_id)
    intent = reading.intent
    intent_id, status = StripeIntentId(intent["id"]), intent["status"]
    received = _money(intent, int(intent["amount_received"]))
    canceled = _observation(event_id, intent_id, UndoKind.CANCELED, _money(intent, 0))
    if status == "canceled":
        return Undone(observation=canceled)
    if status in _CANCELABLE:
        request = StripeRequest(
            operation=TaskOperation.CANCEL_INTENT,
            idempotency_key=f"undo-cancel-{key_end}",
            intent_id=intent_id,
            params={},
        )
        return Undo(request=request, observation=canceled)
    if status != "succeeded":
        return NotYet()
    observation = replace(
        _observation(event_id, intent_id, UndoKind.REFUNDED, received),
        charge_id=StripeChargeId(required_id_of(intent["latest_charge"])),
        refunds=tuple(_refund(each) for each in reading.refunds if each["status"] not in _CAME_BACK),
    )
    if _given_back(reading) >= received.amount_cents:
        return Undone(observation=observation)
    # No amount: all that is left. None of our refund ids: it is a refund of no payment.
    request = StripeRequest(
        operation=TaskOperation.CREATE_REFUND,
        idempotency_key=f"undo-refund-{key_end}",
        intent_id=None,
        params={"payment_intent": intent_id, "metadata": {PAYMENT_ID: str(payment_id)}},
    )
    return Undo(request=request, observation=observation)


def observation_of(undo: Undo, answer: JsonObject) -> RecordUndone:
    """Return what is to be recorded after a call that went well."""
    if undo.request.operation is TaskOperation.CANCEL_INTENT:
        return undo.observation
    return replace(undo.observation, refunds=(*undo.observation.refunds, _refund(answer)))


def disputes_of(reading: StripePayment) -> tuple[str, ...]:
    """Return the disputes of the charge that take its money or may: a refund takes none of them back."""
    return tuple(str(dispute["id"]) for dispute in reading.disputes if dispute["status"] not in _OVER)


def went_well(undo: Undo, answer: JsonObject) -> bool:
    """Whether the call's answer says that it is undone."""
    if undo.request.operation is TaskOperation.CANCEL_INTENT:
        return bool(answer.get("status") == "canceled")
    return answer.get("status") not in _CAME_BACK


def _given_back(reading: StripePayment) -> int:
    return sum(int(refund["amount"]) for refund in reading.refunds if refund["status"] not in _CAME_BACK)


def _refund(refund: JsonObject) -> UndoneRefund:
    return UndoneRefund(stripe_refund_id=StripeRefundId(refund["id"]), amount=_money(refund, int(refund["amount"])))


def _observation(event_id: EventId, intent_id: StripeIntentId, how: UndoKind, amount: Money) -> RecordUndone:
    return RecordUndone(event_id=event_id, intent_id=intent_id, how=how.value, amount=amount)


def _money(stripe_object: JsonObject, cents: int) -> Money:
    return Money(amount_cents=cents, currency=str(stripe_object["currency"]).upper())

"""From Stripe's objects to facts of the domain. Pure; the objects are plain JSON.

https://docs.stripe.com/api/payment_intents/object, https://docs.stripe.com/api/refunds/object
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.money import Money
from domain.payment import (
    PaymentFact,
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordIntentCreated,
    RecordProcessing,
    RecordRefundFailed,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.values import PaymentStatus

JsonObject = Mapping[str, Any]


class UnexpectedObject(Exception):
    """Stripe's object is not as its reference says: nothing may be concluded from it."""


def intent_facts(intent: JsonObject, *, attempt_id: str) -> tuple[PaymentFact, ...]:
    """Return what a payment intent says. `attempt_id` names a failed attempt that made no charge.

    Raises UnexpectedObject.
    """
    try:
        return (_intent_fact(intent, attempt_id),)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        shown = intent.get("id")
        raise UnexpectedObject(f"payment intent {shown}: {type(error).__name__} {error}") from error


def refund_facts(refund: JsonObject, *, refund_id: UUID) -> tuple[PaymentFact, ...]:
    """Return what a refund of ours says. Raises UnexpectedObject."""
    stripe_id = str(refund["id"])
    fact: PaymentFact
    match refund.get("status"):
        case "succeeded":
            fact = RecordRefundSucceeded(refund_id=refund_id, stripe_refund_id=stripe_id)
        case "pending" | "requires_action":
            fact = RecordRefundPending(refund_id=refund_id, stripe_refund_id=stripe_id)
        case "failed":
            fact = _refund_failed(refund_id, stripe_id, refund.get("failure_reason") or "unknown")
        case "canceled":
            fact = _refund_failed(refund_id, stripe_id, "canceled")
        case status:
            raise UnexpectedObject(f"refund {stripe_id} has status {status!r}")
    return (fact,)


def _intent_fact(intent: JsonObject, attempt_id: str) -> PaymentFact:  # noqa: PLR0911 - one line per status
    intent_id = str(intent["id"])
    match intent["status"]:
        case "succeeded":
            return RecordSucceeded(
                intent_id=intent_id,
                amount_captured=_money(intent, "amount_received"),
                charge_id=_charge_id(intent),
            )
        case "requires_capture":
            return RecordAuthorized(
                intent_id=intent_id,
                amount=_money(intent, "amount_capturable"),
                charge_id=_charge_id(intent),
                capture_before=_capture_before(intent),
            )
        case "processing":
            return RecordProcessing(intent_id=intent_id)
        case "requires_action":
            return _action_required(intent_id, intent["next_action"])
        case "canceled":
            return RecordCanceled(intent_id=intent_id, reason=intent.get("cancellation_reason"))
        case "requires_payment_method" if intent.get("last_payment_error"):
            return _attempt_failed(intent_id, intent["last_payment_error"], attempt_id)
        case "requires_payment_method" | "requires_confirmation":
            return RecordIntentCreated(intent_id=intent_id, status=PaymentStatus(intent["status"]))
        case status:
            raise ValueError(f"unknown status {status!r}")


def _refund_failed(refund_id: UUID, stripe_id: str, code: str) -> RecordRefundFailed:
    return RecordRefundFailed(
        refund_id=refund_id, stripe_refund_id=stripe_id, code=code, message=f"The refund failed: {code}."
    )


def _action_required(intent_id: str, action: JsonObject) -> RecordActionRequired:
    redirect = action.get("redirect_to_url") or {}
    return RecordActionRequired(
        intent_id=intent_id, action_type=str(action["type"]), redirect_url=_without_secret(redirect)
    )


def _without_secret(redirect: JsonObject) -> str | None:
    """Return where to send the customer, unless the address carries a client secret: none is ever stored.

    Stripe's own 3D Secure pages are such addresses; the client gets there with its client secret.
    https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret
    """
    url = redirect.get("url")
    return None if url is None or "secret" in url else str(url)


def _attempt_failed(intent_id: str, error: JsonObject, attempt_id: str) -> RecordAttemptFailed:
    charge = error.get("charge")
    return RecordAttemptFailed(
        intent_id=intent_id,
        attempt_id=str(charge) if charge else attempt_id,
        code=error.get("code") or error.get("type") or "unknown",
        decline_code=error.get("decline_code"),
        message=error.get("message") or "The payment attempt failed.",
    )


def _money(intent: JsonObject, field: str) -> Money:
    return Money(amount_cents=int(intent[field]), currency=str(intent["currency"]).upper())


def _charge_id(intent: JsonObject) -> str:
    charge = intent["latest_charge"]
    found = charge["id"] if isinstance(charge, Mapping) else charge
    if not isinstance(found, str):
        raise TypeError("latest_charge is missing")
    return found


def _capture_before(intent: JsonObject) -> int | None:
    """Return when the hold ends, in Unix seconds, where the charge was expanded."""
    charge = intent.get("latest_charge")
    if not isinstance(charge, Mapping):
        return None
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    found = card.get("capture_before")
    return None if found is None else int(found)

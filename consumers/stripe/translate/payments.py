"""From Stripe's objects to observations of the domain. Pure; the objects are plain JSON.

https://docs.stripe.com/api/payment_intents/object, https://docs.stripe.com/api/refunds/object,
https://docs.stripe.com/api/disputes/object
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID, uuid5

from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.ids import REFUND_ID, listed_id_of, required_id_of
from consumers.stripe.translate.numbers import exchange_rate, moment, whole_number
from domain.currencies import granularity
from domain.ids import AttemptId, DisputeId, RefundId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.money import Money
from domain.payment.observations import (
    PaymentObservation,
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordDispute,
    RecordIntentCreated,
    RecordProcessing,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.values import DisputeStatus, PaymentStatus, RefundReason

JsonObject = Mapping[str, Any]

EXPIRED = "expired"
"""The reason of a cancellation whose hold ended uncaptured, whatever Stripe's API version calls it."""

_CALLED_EXPIRED = frozenset({"expired", "automatic"})
# https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow

_NEARLY = Decimal("0.01")
"""By which part of it an amount may be off when it is converted back: few digits of a small rate are shown."""

_MADE_AT_STRIPE = UUID("6b0e0a52-4f0c-5a3e-9a35-6d3f5b8a1c77")
"""Namespace of the ids that we give to refunds which were made at Stripe itself."""


def intent_observations(intent: JsonObject, *, attempt_id: AttemptId | None) -> tuple[PaymentObservation, ...]:
    """Return what the payment intent says that a call of ours answered.

    `attempt_id` names a failed attempt that made no charge; None: it was not this call that made it. Raises
    UnexpectedObject.
    """
    return _read("payment intent", intent, lambda: (_intent_observation(intent, attempt_id),))


def refund_observations(refund: JsonObject, *, refund_id: RefundId) -> tuple[PaymentObservation, ...]:
    """Return what a refund of ours says. Raises UnexpectedObject."""
    return _read("refund", refund, lambda: (_refund_observation(refund, refund_id),))


def payment_observations(
    intent: JsonObject, refunds: Iterable[JsonObject], disputes: Iterable[JsonObject]
) -> tuple[PaymentObservation, ...]:
    """Return what Stripe says of a payment as a whole: its intent, all of its refunds, and all disputes of its charge.

    They belong into one decision, in this order. Expand the intent's `latest_charge`: when a hold ends stands there.
    Raises UnexpectedObject.
    """
    observations = _read("payment intent", intent, lambda: (_intent_observation(intent, None),))
    if intent["status"] == "succeeded":  # what is refunded of another was only ever held
        of_refunds = [listed_refund_observations(refund) for refund in refunds]
        # First what failed: it makes room for what succeeded.
        failed = [each for each in of_refunds if isinstance(each[-1], RecordRefundFailed)]
        others = [each for each in of_refunds if not isinstance(each[-1], RecordRefundFailed)]
        observations += tuple(observation for each in (*failed, *others) for observation in each)
    for dispute in disputes:
        observations += dispute_observations(dispute)
    return observations


def listed_refund_observations(refund: JsonObject) -> tuple[PaymentObservation, ...]:
    """Return what a refund says, be it ours or one that was made at Stripe itself. Raises UnexpectedObject."""
    return _read("refund", refund, partial(_refund_observations, refund))


def dispute_observations(dispute: JsonObject) -> tuple[PaymentObservation, ...]:
    """Return what a dispute says. Raises UnexpectedObject."""
    return _read("dispute", dispute, partial(_dispute_observations, dispute))


def _read(
    kind: str, shown: JsonObject, read: Callable[[], tuple[PaymentObservation, ...]]
) -> tuple[PaymentObservation, ...]:
    try:
        return read()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnexpectedObject(f"{kind} {listed_id_of(shown)}: {type(error).__name__} {error}") from error


def _refund_observations(refund: JsonObject) -> tuple[PaymentObservation, ...]:
    """Return that there is such a refund, and how it stands; of one that came to nothing, whether its money moved."""
    refund_id = _our_id(refund)
    observation = _refund_observation(refund, refund_id)
    if isinstance(observation, RecordRefundFailed):
        if refund.get("balance_transaction"):
            observation = replace(observation, moved=_money(refund, "amount"))
        return (observation,)
    reason = refund.get("reason")
    found = RecordRefundFound(
        refund_id=refund_id,
        stripe_refund_id=StripeRefundId(required_id_of(refund)),
        amount=_money(refund, "amount"),
        reason=RefundReason(reason) if reason in set(RefundReason) else None,  # Stripe has reasons of its own
    )
    return (found, observation)


def _our_id(refund: JsonObject) -> RefundId:
    """Return the id that we gave the refund; or else one that is always the same for it."""
    with suppress(ValueError):  # anybody may write metadata at Stripe
        return RefundId(UUID((refund.get("metadata") or {}).get(REFUND_ID, "")))
    return RefundId(uuid5(_MADE_AT_STRIPE, required_id_of(refund)))


def _refund_observation(
    refund: JsonObject, refund_id: RefundId
) -> RecordRefundSucceeded | RecordRefundPending | RecordRefundFailed:
    stripe_id = StripeRefundId(required_id_of(refund))
    match refund["status"]:
        case "succeeded":
            return RecordRefundSucceeded(refund_id=refund_id, stripe_refund_id=stripe_id)
        case "pending" | "requires_action":
            return RecordRefundPending(refund_id=refund_id, stripe_refund_id=stripe_id)
        case "failed":
            return _refund_failed(refund_id, stripe_id, refund.get("failure_reason") or "unknown")
        case "canceled":
            return _refund_failed(refund_id, stripe_id, "refund_canceled")
        case status:
            raise ValueError(f"unknown status {status!r}")


def _dispute_observations(dispute: JsonObject) -> tuple[RecordDispute]:
    amount = _money(dispute, "amount")
    moved = _movements(dispute["balance_transactions"])
    observation = RecordDispute(
        dispute_id=DisputeId(required_id_of(dispute)),
        charge_id=StripeChargeId(required_id_of(dispute["charge"])),
        amount=amount,
        reason=str(dispute["reason"]),
        status=DisputeStatus(dispute["status"]),
        evidence_due_by=_due_by(dispute["evidence_details"]),  # 0: no answer is possible
        withdrawn=tuple(_moved(row, amount) for row in moved if row["amount"] < 0),
        reinstated=tuple(_moved(row, amount) for row in moved if row["amount"] > 0),
    )
    return (observation,)


def _movements(rows: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the row of each time that money was taken or given back, in turns.

    A row in the same direction as the one before it (a conversion, the rest of what is given back) is no other time.
    """
    moving = [row for row in rows if whole_number(row, "amount")]
    moving.sort(key=lambda row: row.get("created") or 0)
    return [next(turn) for _, turn in groupby(moving, key=lambda row: row["amount"] > 0)]


def _moved(row: JsonObject, disputed: Money) -> Money:
    """Return how much of what is disputed a row took or gave back, in its currency.

    Of one that is partly lost, a part comes back: https://support.stripe.com/questions/dispute-for-full-charge-amount-after-a-partial-refund-was-issued.
    A row in another currency says at what rate it was converted, which leads back to about what it was: what is nearly
    all of it is all of it, and so is what nobody can say.
    """
    on_balance, rate = abs(whole_number(row, "amount")), exchange_rate(row)
    if str(row["currency"]).upper() == disputed.currency:
        return replace(disputed, amount_cents=on_balance)
    if rate is None:
        return disputed
    presented, unit = on_balance / rate, granularity(disputed.currency)
    off_by = max(disputed.amount_cents * _NEARLY, 1 / rate)
    if presented >= disputed.amount_cents - off_by:
        return disputed
    return replace(disputed, amount_cents=int((presented / unit).to_integral_value(ROUND_HALF_EVEN)) * unit)


def _due_by(evidence: JsonObject) -> int | None:
    """Return until when the dispute can be answered. Stripe says 0 where no answer is possible."""
    return None if evidence.get("due_by") is None else moment(evidence, "due_by") or None


def _intent_observation(intent: JsonObject, attempt_id: AttemptId | None) -> PaymentObservation:  # noqa: PLR0911 - one line per status
    intent_id = StripeIntentId(required_id_of(intent))
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
            reason = intent.get("cancellation_reason")
            return RecordCanceled(intent_id=intent_id, reason=EXPIRED if reason in _CALLED_EXPIRED else reason)
        case "requires_payment_method" if intent.get("last_payment_error"):
            return _attempt_failed(intent_id, intent["last_payment_error"], attempt_id)
        case "requires_payment_method" | "requires_confirmation":
            return RecordIntentCreated(intent_id=intent_id, status=PaymentStatus(intent["status"]))
        case status:
            raise ValueError(f"unknown status {status!r}")


def _refund_failed(refund_id: RefundId, stripe_id: StripeRefundId, code: str) -> RecordRefundFailed:
    return RecordRefundFailed(
        refund_id=refund_id, stripe_refund_id=stripe_id, code=code, message=f"The refund failed: {code}."
    )


def _action_required(intent_id: StripeIntentId, action: JsonObject) -> RecordActionRequired:
    return RecordActionRequired(
        intent_id=intent_id, action_type=str(action["type"]), redirect_url=_without_secret(_address(action))
    )


def _address(action: JsonObject) -> str | None:
    """Return the page where the customer authenticates.

    What Stripe's own libraries are told (`use_stripe_sdk`) names one where it is a page of the bank's: they open it
    from `stripe_js`.
    """
    redirect, sdk = (action.get(name) or {} for name in ("redirect_to_url", "use_stripe_sdk"))
    is_a_page = sdk.get("type") == "three_d_secure_redirect"
    url: str | None = redirect.get("url") or (sdk.get("stripe_js") if is_a_page else None)
    return url


def _without_secret(url: str | None) -> str | None:
    """Return where to send the customer, unless the address carries a client secret: none is ever stored.

    Stripe's own 3D Secure pages are such addresses; the client gets there with its client secret.
    https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret
    """
    return None if url is None or "secret" in url else str(url)


def _attempt_failed(intent_id: StripeIntentId, error: JsonObject, attempt_id: AttemptId | None) -> RecordAttemptFailed:
    charge = error.get("charge")
    return RecordAttemptFailed(
        intent_id=intent_id,
        attempt_id=AttemptId(required_id_of(charge)) if charge else attempt_id,
        code=error.get("code") or error.get("type") or "unknown",
        decline_code=error.get("decline_code"),
        message=error.get("message") or "The payment attempt failed.",
    )


def _money(shown: JsonObject, field: str) -> Money:
    return Money(amount_cents=whole_number(shown, field), currency=str(shown["currency"]).upper())


def _charge_id(intent: JsonObject) -> StripeChargeId:
    return StripeChargeId(required_id_of(intent["latest_charge"]))


def _capture_before(intent: JsonObject) -> int | None:
    """Return when the hold ends, in Unix seconds, where the charge was expanded."""
    charge = intent.get("latest_charge")
    if not isinstance(charge, Mapping):
        return None
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    return None if card.get("capture_before") is None else moment(card, "capture_before")

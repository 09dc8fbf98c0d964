"""What Stripe says against the log: recorded as an event, until an operator accepts it or Stripe agrees again.

A contradiction is recorded once for each object and status. It ends when Stripe says something of that object that does
not contradict, or when an operator accepts what Stripe says. Then the payment is what Stripe said, as far as nothing
that is posted already has to be undone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid5

from domain.ids import RefundId, StripeChargeId, StripeIntentId, StripeObjectId, StripeRefundId
from domain.money import Money
from domain.payment.commands import AcceptStripe
from domain.payment.errors import ContradictionNotAcceptable, InconsistentObservation, InvalidPaymentRequest
from domain.payment.events import (
    PaymentContradicted,
    PaymentContradictionResolved,
    PaymentEvent,
    PaymentIntentCreated,
    PaymentSucceeded,
    RefundFailed,
    RefundFound,
    RefundPending,
    RefundSucceeded,
)
from domain.payment.evolve import evolve
from domain.payment.observations import (
    PaymentObservation,
    RecordAuthorized,
    RecordDispute,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.state import Contradiction, PaymentState, Refund
from domain.payment.values import PaymentStatus, RefundReason, RefundStatus

_REFUND_STATUS = {
    RecordRefundPending: RefundStatus.PENDING,
    RecordRefundSucceeded: RefundStatus.SUCCEEDED,
    RecordRefundFailed: RefundStatus.FAILED,
}


def accept(state: PaymentState, command: AcceptStripe) -> tuple[PaymentEvent, ...]:
    """Make the payment what Stripe says, wherever that contradicts. Raises ContradictionNotAcceptable."""
    for field, text in (("actor", command.actor), ("reason", command.reason)):
        if not text.strip():
            raise InvalidPaymentRequest(field, "must not be empty")
    if not state.open_contradictions:
        raise ContradictionNotAcceptable(payment_id=state.payment_id, reason="Stripe contradicts nothing")
    events = list[PaymentEvent]()
    for contradiction in _in_order(state):
        try:
            changes = _accepted(state, contradiction)
        except ContradictionNotAcceptable:
            continue
        for event in (resolved(contradiction, command), *changes):
            state = evolve(state, event)
            events.append(event)
    if not events:
        raise ContradictionNotAcceptable(payment_id=state.payment_id, reason="; ".join(refusals(state)))
    return tuple(events)


def refusals(state: PaymentState) -> tuple[str, ...]:
    """Return why open contradictions cannot be accepted, for each that cannot."""
    reasons = list[str]()
    for contradiction in _in_order(state):
        try:
            _accepted(state, contradiction)
        except ContradictionNotAcceptable as error:
            reasons.append(error.reason)
    return tuple(reasons)


def _in_order(state: PaymentState) -> list[Contradiction]:
    """Return the open ones, the intent first: what was refunded was captured before."""
    return sorted(state.open_contradictions, key=lambda each: each.refund_id is not None)


def object_of(observed: PaymentObservation) -> StripeObjectId | None:
    """Return Stripe's id of the object that an observation is of."""
    match observed:
        case RecordRefundFound() | RecordRefundPending() | RecordRefundSucceeded() | RecordRefundFailed():
            found: str | None = observed.stripe_refund_id
        case RecordDispute():
            found = observed.dispute_id
        case _:
            found = getattr(observed, "intent_id", None)
    return None if found is None else StripeObjectId(found)


def contradicted(
    state: PaymentState,
    object_id: StripeObjectId,
    observations: Sequence[PaymentObservation],
    error: InconsistentObservation,
) -> tuple[PaymentContradicted, ...]:
    """Record what was observed of an object and contradicts, unless that is known or was accepted."""
    shown = _Shown()
    for observed in observations:
        shown = _shown(shown, observed)
    known = state.contradictions.get((object_id, shown.status))
    if known is not None and (known.open or known.accepted):
        return ()
    refund = None if shown.refund_id is None else state.refunds.get(shown.refund_id)
    return (
        PaymentContradicted(
            object_id=object_id,
            status=str(shown.status),
            reason=error.reason,
            amount=refund.amount if shown.amount is None and refund is not None else shown.amount,
            charge_id=shown.charge_id,
            refund_id=shown.refund_id,
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    status: str = "unknown"
    amount: Money | None = None
    charge_id: StripeChargeId | None = None
    refund_id: RefundId | None = None


def _shown(before: _Shown, observed: PaymentObservation) -> _Shown:
    match observed:
        case RecordSucceeded():
            return _Shown(status=PaymentStatus.SUCCEEDED, amount=observed.amount_captured, charge_id=observed.charge_id)
        case RecordAuthorized():
            return _Shown(status=PaymentStatus.REQUIRES_CAPTURE, amount=observed.amount, charge_id=observed.charge_id)
        case RecordDispute():
            return _Shown(status=observed.status, amount=observed.amount, charge_id=observed.charge_id)
        case RecordRefundFound():
            return _Shown(status=RefundStatus.PENDING, amount=observed.amount, refund_id=observed.refund_id)
        case RecordRefundPending() | RecordRefundSucceeded() | RecordRefundFailed():
            amount = observed.moved if isinstance(observed, RecordRefundFailed) else before.amount
            return _Shown(status=_REFUND_STATUS[type(observed)], amount=amount, refund_id=observed.refund_id)
        case _:
            return before


def resolved(contradiction: Contradiction, command: AcceptStripe | None = None) -> PaymentContradictionResolved:
    """Record that a contradiction is over, by an operator or by itself."""
    return PaymentContradictionResolved(
        object_id=contradiction.object_id,
        status=contradiction.status,
        actor=None if command is None else command.actor,
        reason=None if command is None else command.reason,
    )


def _accepted(state: PaymentState, contradiction: Contradiction) -> tuple[PaymentEvent, ...]:
    amount = contradiction.amount
    if amount is None or amount.amount_cents == 0 or amount.currency != state.amount.currency:
        raise _not_acceptable(state, contradiction, "the amount is none of this payment's")
    if contradiction.refund_id is not None:
        return _refund_accepted(state, contradiction, amount)
    if contradiction.status != PaymentStatus.SUCCEEDED or state.status is PaymentStatus.SUCCEEDED:
        raise _not_acceptable(state, contradiction, "what is recorded cannot be taken back")
    if state.intent_id not in {None, StripeIntentId(contradiction.object_id)} or contradiction.charge_id is None:
        raise _not_acceptable(state, contradiction, "it is another object than the payment's")
    captured = PaymentSucceeded(amount_captured=amount, charge_id=contradiction.charge_id)
    if state.intent_id is not None:
        return (captured,)
    created = PaymentIntentCreated(
        intent_id=StripeIntentId(contradiction.object_id), status=PaymentStatus.REQUIRES_CONFIRMATION
    )
    return (created, captured)


def _refund_accepted(state: PaymentState, contradiction: Contradiction, amount: Money) -> tuple[PaymentEvent, ...]:
    if state.status is not PaymentStatus.SUCCEEDED:
        raise _not_acceptable(state, contradiction, "nothing is captured here: accept the payment first")
    assert contradiction.refund_id is not None
    stripe_id = StripeRefundId(contradiction.object_id)
    same = next((each for each in state.refunds.values() if each.stripe_refund_id == stripe_id), None)
    refund = same or state.refunds.get(contradiction.refund_id)
    if refund is not None and refund.status is not RefundStatus.FAILED and refund.amount != amount:
        raise _not_acceptable(state, contradiction, f"{refund.amount} is recorded, and cannot be taken back")
    refund_id, is_known = contradiction.refund_id, False
    if refund is not None:
        refund_id, is_known = refund.refund_id, refund.status is not RefundStatus.FAILED
        if refund.stripe_refund_id not in {None, stripe_id}:
            # Two refunds at Stripe carry one id of ours: the other one gets an id that is always the same for it.
            refund_id, is_known = RefundId(uuid5(refund.refund_id, stripe_id)), False
    first: tuple[PaymentEvent, ...] = (
        (RefundPending(refund_id=refund_id, stripe_refund_id=stripe_id),)
        if is_known
        else (RefundFound(refund_id=refund_id, stripe_refund_id=stripe_id, amount=amount, reason=_reason_of(refund)),)
    )
    match contradiction.status:
        case RefundStatus.SUCCEEDED:
            return (*first, RefundSucceeded(refund_id=refund_id, stripe_refund_id=stripe_id))
        case RefundStatus.FAILED:
            failed = RefundFailed(
                refund_id=refund_id, stripe_refund_id=stripe_id, code="unknown", message="The refund failed at Stripe."
            )
            return (*first, failed)
        case _:
            return first


def _reason_of(refund: Refund | None) -> RefundReason | None:
    return None if refund is None else refund.reason


def _not_acceptable(state: PaymentState, contradiction: Contradiction, reason: str) -> ContradictionNotAcceptable:
    return ContradictionNotAcceptable(
        payment_id=state.payment_id, reason=f"{contradiction.object_id}: {contradiction.reason}: {reason}"
    )

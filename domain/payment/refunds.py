"""Refunds: asked for by clients or made at Stripe itself, settled by Stripe.

A refund reserves its amount when it is asked for, so that refunds at the same time can never exceed what was
captured. Pending goes to succeeded or failed; succeeded can still turn failed; failed is final and gives the
amount back. https://docs.stripe.com/refunds
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never
from uuid import UUID

from domain.money import Money, check_representable
from domain.payment.commands import RequestRefund
from domain.payment.errors import (
    InconsistentFact,
    PaymentDisputed,
    PaymentNotRefundable,
    RefundExceedsRefundable,
)
from domain.payment.events import (
    RefundEvent,
    RefundFailed,
    RefundFound,
    RefundPending,
    RefundRequested,
    RefundSucceeded,
)
from domain.payment.facts import (
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RefundFact,
)
from domain.payment.state import PaymentState, Refund
from domain.payment.values import PaymentStatus, RefundStatus

_UNCHARGED = "Nothing was charged: there is nothing to refund. Cancel the payment instead"
_WHY_NOT: Mapping[PaymentStatus, str] = MappingProxyType(
    {
        PaymentStatus.PENDING: "Nothing was charged yet: Stripe has not answered. "
        "Refund the payment once it has succeeded, or cancel it now",
        PaymentStatus.REQUIRES_PAYMENT_METHOD: _UNCHARGED,
        PaymentStatus.REQUIRES_CONFIRMATION: _UNCHARGED,
        PaymentStatus.REQUIRES_ACTION: _UNCHARGED,
        PaymentStatus.PROCESSING: "Nothing was charged yet: the payer's bank has not answered. "
        "Refund the payment once it has succeeded",
        PaymentStatus.REQUIRES_CAPTURE: "The money is held and was not captured: there is nothing to refund. "
        "Cancel the payment to release it",
        PaymentStatus.CANCELED: "The payment was canceled before any money was captured: there is nothing to refund",
        PaymentStatus.FAILED: "The payment failed and no money was captured: there is nothing to refund",
    }
)


def request_refund(state: PaymentState, command: RequestRefund) -> tuple[RefundRequested, ...]:
    """Reserve the amount. A refund asked for again is the first one, whatever became of it."""
    if command.refund_id in state.refunds:
        return ()
    if state.status is not PaymentStatus.SUCCEEDED:
        raise PaymentNotRefundable(payment_id=state.payment_id, status=state.status, reason=_WHY_NOT[state.status])
    _check_undisputed(state)
    amount = state.amount_refundable if command.amount is None else command.amount
    if amount > state.amount_refundable or state.amount_refundable.amount_cents == 0:
        raise _exceeds(state, command.amount)
    check_representable(amount)
    return (RefundRequested(refund_id=command.refund_id, amount=amount, reason=command.reason),)


def record_found(state: PaymentState, fact: RecordRefundFound) -> tuple[RefundFound, ...]:
    """Take in a refund that was made at Stripe itself, or that a restored log has forgotten.

    Refunds that were asked for here and that Stripe has not heard of do not stand in its way: Stripe will refuse
    what is too much.
    """
    known = state.refunds.get(fact.refund_id)
    if known is not None:
        if fact.amount != known.amount:
            raise _inconsistent(state, f"Refund {fact.refund_id} is of {known.amount}, not of {fact.amount}")
        _check_same_refund(state, known, fact.stripe_refund_id)
        return ()
    _check_name(state, fact.refund_id, fact.stripe_refund_id)
    _check_amount(state, fact.amount)
    _check_room(state, fact.amount)
    return (
        RefundFound(
            refund_id=fact.refund_id,
            stripe_refund_id=fact.stripe_refund_id,
            amount=fact.amount,
            reason=fact.reason,
        ),
    )


def record(state: PaymentState, fact: RefundFact) -> tuple[RefundEvent, ...]:
    """Take Stripe's word on a refund that is known here."""
    refund = state.refunds.get(fact.refund_id)
    if refund is None:
        if isinstance(fact, RecordRefundFailed) and fact.stripe_refund_id is not None:
            return _came_back(state, fact, fact.stripe_refund_id)
        raise _inconsistent(state, f"No refund {fact.refund_id} was asked for")
    match fact:
        case RecordRefundPending():
            _check_same_refund(state, refund, fact.stripe_refund_id)
            return _pending(refund, fact)
        case RecordRefundSucceeded():
            _check_same_refund(state, refund, fact.stripe_refund_id)
            return _succeeded(refund, fact)
        case RecordRefundFailed():
            return _failed(state, refund, fact)
        case _:
            assert_never(fact)


def _came_back(state: PaymentState, fact: RecordRefundFailed, stripe_refund_id: str) -> tuple[RefundEvent, ...]:
    """Take in a refund that was made at Stripe itself and is over: there is always room for it, if its money moved."""
    if fact.moved is None:
        return ()
    _check_name(state, fact.refund_id, stripe_refund_id)
    _check_amount(state, fact.moved)
    if fact.moved > state.amount_captured:
        raise _inconsistent(state, f"{fact.moved} was refunded of {state.amount_captured}, and came back")
    return (
        RefundFound(refund_id=fact.refund_id, stripe_refund_id=stripe_refund_id, amount=fact.moved, reason=None),
        RefundFailed(refund_id=fact.refund_id, stripe_refund_id=stripe_refund_id, code=fact.code, message=fact.message),
    )


def _pending(refund: Refund, fact: RecordRefundPending) -> tuple[RefundPending, ...]:
    if refund.status is not RefundStatus.PENDING or refund.stripe_refund_id is not None:
        return ()
    return (RefundPending(refund_id=fact.refund_id, stripe_refund_id=fact.stripe_refund_id),)


def _succeeded(refund: Refund, fact: RecordRefundSucceeded) -> tuple[RefundSucceeded, ...]:
    if refund.status is not RefundStatus.PENDING:
        return ()
    return (RefundSucceeded(refund_id=fact.refund_id, stripe_refund_id=fact.stripe_refund_id),)


def _failed(state: PaymentState, refund: Refund, fact: RecordRefundFailed) -> tuple[RefundFailed, ...]:
    if fact.stripe_refund_id is not None and refund.stripe_refund_id not in {None, fact.stripe_refund_id}:
        raise _another(state, refund, fact.stripe_refund_id)
    if refund.status is RefundStatus.FAILED:
        return ()
    return (
        RefundFailed(
            refund_id=fact.refund_id,
            stripe_refund_id=fact.stripe_refund_id or refund.stripe_refund_id,
            code=fact.code,
            message=fact.message,
        ),
    )


def _check_name(state: PaymentState, refund_id: UUID, stripe_refund_id: str) -> None:
    if any(each.stripe_refund_id == stripe_refund_id for each in state.refunds.values()):
        raise _inconsistent(state, f"{stripe_refund_id} is known as another refund than {refund_id}")


def _check_amount(state: PaymentState, amount: Money) -> None:
    if amount.currency != state.amount.currency or amount.amount_cents == 0:
        raise _inconsistent(state, f"{amount} was refunded of {state.amount_captured}")


def _check_undisputed(state: PaymentState) -> None:
    """As Stripe's ``charge_disputed``: https://docs.stripe.com/error-codes#charge-disputed."""
    contested = next((each for each in state.disputes.values() if each.is_contested), None)
    if contested is not None:
        raise PaymentDisputed(
            payment_id=state.payment_id, dispute_id=contested.dispute_id, dispute_status=contested.status
        )


def _check_same_refund(state: PaymentState, refund: Refund, stripe_refund_id: str) -> None:
    """Check that it is this refund that stands at Stripe, and that there was room for it there."""
    if stripe_refund_id == refund.stripe_refund_id:
        return
    if refund.stripe_refund_id is not None:
        raise _another(state, refund, stripe_refund_id)
    if refund.status is RefundStatus.FAILED:
        # Its amount was given back because Stripe refused to create it: it may be refunded twice.
        reason = f"Refund {refund.refund_id} was refused by Stripe, yet it is {stripe_refund_id} there"
        raise _inconsistent(state, reason)
    _check_room(state, refund.amount)


def _check_room(state: PaymentState, amount: Money) -> None:
    at_stripe = state.amount_refunded_at_stripe
    if at_stripe + amount > state.amount_captured:
        reason = f"{amount} was refunded beside {at_stripe}, of {state.amount_captured} captured"
        raise _inconsistent(state, reason)


def _exceeds(state: PaymentState, requested: Money | None) -> RefundExceedsRefundable:
    return RefundExceedsRefundable(
        payment_id=state.payment_id,
        requested=requested,
        refundable=state.amount_refundable,
        refunded=state.amount_refunded,
        pending=state.amount_refund_pending,
    )


def _another(state: PaymentState, refund: Refund, stripe_refund_id: str) -> InconsistentFact:
    reason = f"Refund {refund.refund_id} is {refund.stripe_refund_id} at Stripe, not {stripe_refund_id}"
    return _inconsistent(state, reason)


def _inconsistent(state: PaymentState, reason: str) -> InconsistentFact:
    return InconsistentFact(payment_id=state.payment_id, reason=reason)

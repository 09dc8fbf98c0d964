"""Refunds: requested by clients or made at Stripe itself, and completed by Stripe.

A refund reserves its amount when it is requested, so that concurrent refunds can never exceed what was
captured. Pending goes to succeeded or failed; succeeded can still turn failed; failed is final and gives the
amount back. https://docs.stripe.com/refunds

One that failed here, and of which Stripe says otherwise whenever it lists it, contradicts: its amount may be refunded
twice. What a call answered may be older than the failure, and contradicts nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from domain.ids import RefundId, StripeRefundId
from domain.money import Money, check_representable
from domain.payment.commands import RequestRefund
from domain.payment.errors import (
    InconsistentObservation,
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
from domain.payment.observations import (
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RefundObservation,
)
from domain.payment.state import PaymentState, Refund
from domain.payment.values import PaymentStatus, RefundReason, RefundStatus

_UNCHARGED = "Nothing was charged: there is nothing to refund. Cancel the payment instead"
_NOT_REFUNDABLE: Mapping[PaymentStatus, str] = MappingProxyType(
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
    """Reserve the amount. A refund requested again is the first one, whatever its outcome."""
    if command.refund_id in state.refunds:
        return ()
    if state.status is not PaymentStatus.SUCCEEDED:
        raise PaymentNotRefundable(
            payment_id=state.payment_id, status=state.status, reason=_NOT_REFUNDABLE[state.status]
        )
    _check_undisputed(state)
    amount = state.amount_refundable if command.amount is None else command.amount
    if amount > state.amount_refundable or state.amount_refundable.amount_cents == 0:
        raise _exceeds(state, command.amount)
    check_representable(amount)
    return (RefundRequested(refund_id=command.refund_id, amount=amount, reason=command.reason),)


def record_found(state: PaymentState, observed: RecordRefundFound) -> tuple[RefundFound, ...]:
    """Record a refund that was made at Stripe itself, or that a restored log has lost.

    Refunds that Stripe does not know yet do not count against it: Stripe will refuse what is too much.
    """
    observed = replace(observed, refund_id=_our_id(state, observed))
    known = state.refunds.get(observed.refund_id)
    if known is not None:
        if observed.amount != known.amount:
            raise _inconsistent(state, f"Refund {observed.refund_id} is of {known.amount}, not of {observed.amount}")
        _check_same_refund(state, known, observed.stripe_refund_id)
        if known.status is RefundStatus.FAILED:
            raise _inconsistent(state, f"Refund {known.refund_id} failed, yet {observed.stripe_refund_id} has not")
        return ()
    _check_amount(state, observed.amount)
    _check_within_captured(state, observed.amount)
    return (
        RefundFound(
            refund_id=observed.refund_id,
            stripe_refund_id=observed.stripe_refund_id,
            amount=observed.amount,
            reason=observed.reason,
        ),
    )


def record(state: PaymentState, observed: RefundObservation) -> tuple[RefundEvent, ...]:
    """Record what Stripe says of a refund that is known here."""
    observed = replace(observed, refund_id=_our_id(state, observed))
    refund = state.refunds.get(observed.refund_id)
    if refund is None:
        if isinstance(observed, RecordRefundFailed) and observed.stripe_refund_id is not None:
            return _found_and_failed(state, observed, observed.stripe_refund_id, reason=None)
        raise _inconsistent(state, f"No refund {observed.refund_id} was requested")
    match observed:
        case RecordRefundPending():
            _check_same_refund(state, refund, observed.stripe_refund_id)
            return _pending(refund, observed)
        case RecordRefundSucceeded():
            _check_same_refund(state, refund, observed.stripe_refund_id)
            return _succeeded(refund, observed)
        case RecordRefundFailed():
            return _failed(state, refund, observed)
        case _:
            assert_never(observed)


def _found_and_failed(
    state: PaymentState, observed: RecordRefundFailed, stripe_refund_id: StripeRefundId, *, reason: RefundReason | None
) -> tuple[RefundEvent, ...]:
    """Record a refund that nobody knew to be at Stripe, and that failed; no limit applies if its money moved."""
    if observed.moved is None:
        return ()
    _check_amount(state, observed.moved)
    if observed.moved > state.amount_captured:
        raise _inconsistent(state, f"{observed.moved} was refunded of {state.amount_captured}, and came back")
    return (
        RefundFound(
            refund_id=observed.refund_id, stripe_refund_id=stripe_refund_id, amount=observed.moved, reason=reason
        ),
        RefundFailed(
            refund_id=observed.refund_id,
            stripe_refund_id=stripe_refund_id,
            code=observed.code,
            message=observed.message,
        ),
    )


def _pending(refund: Refund, observed: RecordRefundPending) -> tuple[RefundPending, ...]:
    if refund.status is not RefundStatus.PENDING or refund.stripe_refund_id is not None:
        return ()
    return (RefundPending(refund_id=observed.refund_id, stripe_refund_id=observed.stripe_refund_id),)


def _succeeded(refund: Refund, observed: RecordRefundSucceeded) -> tuple[RefundSucceeded, ...]:
    if refund.status is not RefundStatus.PENDING:
        return ()
    return (RefundSucceeded(refund_id=observed.refund_id, stripe_refund_id=observed.stripe_refund_id),)


def _failed(state: PaymentState, refund: Refund, observed: RecordRefundFailed) -> tuple[RefundEvent, ...]:
    if observed.stripe_refund_id is not None and refund.stripe_refund_id not in {None, observed.stripe_refund_id}:
        raise _another(state, refund, observed.stripe_refund_id)
    if observed.stripe_refund_id is None and refund.stripe_refund_id is not None:
        return ()  # Stripe has made it: what becomes of it, only Stripe can say
    if refund.status is RefundStatus.FAILED:
        if refund.stripe_refund_id is None and observed.stripe_refund_id is not None:
            # Stripe made it after all, and it failed there: its money may have gone and come back.
            return _found_and_failed(state, observed, observed.stripe_refund_id, reason=refund.reason)
        return ()
    return (
        RefundFailed(
            refund_id=observed.refund_id,
            stripe_refund_id=observed.stripe_refund_id,
            code=observed.code,
            message=observed.message,
        ),
    )


def _our_id(state: PaymentState, observed: RefundObservation | RecordRefundFound) -> RefundId:
    """Return the id that a refund has here: what its metadata at Stripe says may have been edited there since."""
    stripe_id = observed.stripe_refund_id
    known = (
        each.refund_id
        for each in state.refunds.values()
        if stripe_id is not None and each.stripe_refund_id == stripe_id
    )
    return next(known, observed.refund_id)


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


def _check_same_refund(state: PaymentState, refund: Refund, stripe_refund_id: StripeRefundId) -> None:
    """Check that Stripe has this refund, within what was captured."""
    if stripe_refund_id == refund.stripe_refund_id:
        return
    if refund.stripe_refund_id is not None:
        raise _another(state, refund, stripe_refund_id)
    if refund.status is RefundStatus.FAILED:
        # Its amount was given back because Stripe refused to create it: it may be refunded twice.
        reason = f"Refund {refund.refund_id} was refused by Stripe, yet it is {stripe_refund_id} there"
        raise _inconsistent(state, reason)
    _check_within_captured(state, refund.amount)


def _check_within_captured(state: PaymentState, amount: Money) -> None:
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


def _another(state: PaymentState, refund: Refund, stripe_refund_id: StripeRefundId) -> InconsistentObservation:
    reason = f"Refund {refund.refund_id} is {refund.stripe_refund_id} at Stripe, not {stripe_refund_id}"
    return _inconsistent(state, reason)


def _inconsistent(state: PaymentState, reason: str) -> InconsistentObservation:
    return InconsistentObservation(payment_id=state.payment_id, reason=reason)

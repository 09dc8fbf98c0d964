"""Refunds: asked for by clients, settled by Stripe.

A refund reserves its amount when it is asked for, so that refunds at the same time can never exceed what was
captured. Pending goes to succeeded or failed; succeeded can still turn failed; failed is final and gives the
amount back. https://docs.stripe.com/refunds
"""

from typing import assert_never

from domain.money import check_representable
from domain.payment.commands import RequestRefund
from domain.payment.errors import InconsistentFact, PaymentNotRefundable, RefundExceedsRefundable
from domain.payment.events import RefundEvent, RefundFailed, RefundPending, RefundRequested, RefundSucceeded
from domain.payment.facts import RecordRefundFailed, RecordRefundPending, RecordRefundSucceeded, RefundFact
from domain.payment.state import PaymentState, Refund
from domain.payment.values import PaymentStatus, RefundStatus


def request_refund(state: PaymentState, command: RequestRefund) -> tuple[RefundRequested, ...]:
    """Reserve the amount. A refund asked for again is the first one, whatever became of it."""
    if command.refund_id in state.refunds:
        return ()
    if state.status is not PaymentStatus.SUCCEEDED:
        reason = "Only a payment whose money was captured can be refunded"
        raise PaymentNotRefundable(payment_id=state.payment_id, status=state.status, reason=reason)
    refundable = state.amount_refundable
    amount = refundable if command.amount is None else command.amount
    if amount > refundable or refundable.amount_cents == 0:
        raise RefundExceedsRefundable(payment_id=state.payment_id, requested=command.amount, refundable=refundable)
    check_representable(amount)
    return (RefundRequested(refund_id=command.refund_id, amount=amount, reason=command.reason),)


def record(state: PaymentState, fact: RefundFact) -> tuple[RefundEvent, ...]:
    """Take Stripe's word on a refund that was asked for here."""
    refund = state.refunds.get(fact.refund_id)
    if refund is None:
        raise InconsistentFact(payment_id=state.payment_id, reason=f"No refund {fact.refund_id} was asked for")
    _check_same_refund(state, refund, fact.stripe_refund_id)
    match fact:
        case RecordRefundPending():
            return _pending(refund, fact)
        case RecordRefundSucceeded():
            return _succeeded(refund, fact)
        case RecordRefundFailed():
            return _failed(refund, fact)
        case _:
            assert_never(fact)


def _pending(refund: Refund, fact: RecordRefundPending) -> tuple[RefundPending, ...]:
    if refund.status is not RefundStatus.PENDING or refund.stripe_refund_id is not None:
        return ()
    return (RefundPending(refund_id=fact.refund_id, stripe_refund_id=fact.stripe_refund_id),)


def _succeeded(refund: Refund, fact: RecordRefundSucceeded) -> tuple[RefundSucceeded, ...]:
    if refund.status is not RefundStatus.PENDING:
        return ()
    return (RefundSucceeded(refund_id=fact.refund_id, stripe_refund_id=fact.stripe_refund_id),)


def _failed(refund: Refund, fact: RecordRefundFailed) -> tuple[RefundFailed, ...]:
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


def _check_same_refund(state: PaymentState, refund: Refund, stripe_refund_id: str | None) -> None:
    if stripe_refund_id is None or stripe_refund_id == refund.stripe_refund_id:
        return
    if refund.stripe_refund_id is not None:
        reason = f"Refund {refund.refund_id} is {refund.stripe_refund_id} at Stripe, not {stripe_refund_id}"
        raise InconsistentFact(payment_id=state.payment_id, reason=reason)
    if refund.status is RefundStatus.FAILED:
        # Its amount was given back because Stripe refused to create it: it may be refunded twice.
        reason = f"Refund {refund.refund_id} was refused by Stripe, yet it is {stripe_refund_id} there"
        raise InconsistentFact(payment_id=state.payment_id, reason=reason)

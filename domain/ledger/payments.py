"""What a payment posts by its own events, before Stripe's balance has a row for it.

A refund is posted once Stripe has it, with the amount that was asked for: a refund that Stripe refused moved nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never
from uuid import UUID

from domain.ledger.accounts import Account
from domain.ledger.errors import RefundUnknown
from domain.ledger.postings import Kind, Posting, transfer
from domain.money import Money
from domain.payment import (
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    PaymentEvent,
    PaymentSucceeded,
    RefundFailed,
    RefundFound,
    RefundPending,
    RefundRequested,
    RefundSucceeded,
)
from domain.payment.events import RefundEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundToPost:
    """A refund that can still post something. ``posted``: Stripe has it, and so has the ledger."""

    amount: Money
    posted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PostingState:
    """What of a payment's earlier events its later ones need."""

    refunds: Mapping[UUID, RefundToPost] = field(default_factory=dict)


def post_payment(state: PostingState, event: PaymentEvent) -> tuple[PostingState, tuple[Posting, ...]]:
    """Return the state after an event and what it posts. Raises RefundUnknown."""
    if isinstance(event, RefundEvent):
        return _post_refund(state, event)
    return state, _post_money(event)


def _post_money(event: PaymentEvent) -> tuple[Posting, ...]:
    match event:
        case PaymentSucceeded():
            return _moved(event.charge_id, "charge", Account.CUSTOMER_RECEIVABLE, event.amount_captured)
        case DisputeFundsWithdrawn():
            return _moved(event.dispute_id, "dispute", Account.DISPUTES, event.amount, sign=-1)
        case DisputeFundsReinstated():
            return _moved(event.dispute_id, "dispute_reversal", Account.DISPUTES, event.amount)
        case _:
            return ()


def _post_refund(state: PostingState, event: RefundEvent) -> tuple[PostingState, tuple[Posting, ...]]:
    match event:
        case RefundRequested():
            return _with(state, event.refund_id, RefundToPost(amount=event.amount)), ()
        case RefundFound():
            refund = RefundToPost(amount=event.amount, posted=True)
            return _with(state, event.refund_id, refund), _refunded(event.stripe_refund_id, event.amount)
        case RefundPending() | RefundSucceeded():
            return _at_stripe(state, event)
        case RefundFailed():
            return _failed(state, event)
        case _:
            assert_never(event)


def _at_stripe(state: PostingState, event: RefundPending | RefundSucceeded) -> tuple[PostingState, tuple[Posting, ...]]:
    refund = _known(state, event.refund_id)
    if refund.posted:
        return state, ()
    after = _with(state, event.refund_id, replace(refund, posted=True))
    return after, _refunded(event.stripe_refund_id, refund.amount)


def _failed(state: PostingState, event: RefundFailed) -> tuple[PostingState, tuple[Posting, ...]]:
    refund = _known(state, event.refund_id)
    after = PostingState(refunds={each: it for each, it in state.refunds.items() if each != event.refund_id})
    if event.stripe_refund_id is None:
        return after, ()
    # Nobody may have told of it before it failed: at Stripe the money went and came back all the same.
    went = () if refund.posted else _refunded(event.stripe_refund_id, refund.amount)
    return after, (*went, *_moved(event.stripe_refund_id, "refund_failure", Account.REFUNDS, refund.amount))


def _refunded(stripe_refund_id: str, amount: Money) -> tuple[Posting, ...]:
    return _moved(stripe_refund_id, "refund", Account.REFUNDS, amount, sign=-1)


def _moved(source_id: str, category: str, counter: Account, amount: Money, *, sign: int = 1) -> tuple[Posting, ...]:
    """Post money that came to Stripe from another account, or with ``sign`` -1 the way back."""
    return transfer(
        source_id=source_id,
        category=category,
        kind=Kind.MOVEMENT,
        debit=Account.STRIPE_CLEARING,
        credit=counter,
        amount=sign * amount.amount_cents,
        currency=amount.currency,
    )


def _known(state: PostingState, refund_id: UUID) -> RefundToPost:
    refund = state.refunds.get(refund_id)
    if refund is None:
        raise RefundUnknown(refund_id=refund_id)
    return refund


def _with(state: PostingState, refund_id: UUID, refund: RefundToPost) -> PostingState:
    return PostingState(refunds={**state.refunds, refund_id: refund})

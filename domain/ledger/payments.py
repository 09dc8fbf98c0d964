"""What a payment posts by its own events, before Stripe's balance has a row for it.

A refund is posted with the amount that was asked for, when Stripe's balance moves: with the event, if it succeeds at
once. One that is pending may have moved it or not, and may end without moving it: https://docs.stripe.com/refunds. No
event says so, but Stripe's row of it does: what such a refund posts waits for that.

A dispute is posted when its amount is withdrawn, and when it is given back. A bank may do both once more: then each of
Stripe's further rows is posted by itself, since each may be converted at a rate of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from domain.ids import BalanceSourceId, RefundId
from domain.ledger.accounts import Account
from domain.ledger.errors import RefundUnknown
from domain.ledger.postings import Awaits, EntryKind, Posting, transfer
from domain.money import Money, SignedMoney
from domain.payment.events import (
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    PaymentEvent,
    PaymentSucceeded,
    RefundEvent,
    RefundFailed,
    RefundFound,
    RefundPending,
    RefundRequested,
    RefundSucceeded,
    TaskUndone,
    UndoneRefund,
)


class RefundStage(StrEnum):
    """How far a refund has come, as far as its posting goes."""

    REQUESTED = "requested"
    """Stripe is not known to have it."""
    PENDING = "pending"
    """Stripe has it: whether the money has moved, its row will say."""
    POSTED = "posted"


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundToPost:
    """A refund that can still post something."""

    amount: Money
    stage: RefundStage = RefundStage.REQUESTED


@dataclass(frozen=True, kw_only=True, slots=True)
class PostingState:
    """What later events of a payment need to know of its earlier ones."""

    refunds: Mapping[RefundId, RefundToPost] = field(default_factory=dict)
    disputes: Mapping[tuple[BalanceSourceId, str], int] = field(default_factory=dict)
    """How often the amount of each dispute has moved, in each category."""


def post_payment(state: PostingState, event: PaymentEvent) -> tuple[PostingState, tuple[Posting, ...]]:
    """Return the state after an event and what it posts. Raises RefundUnknown."""
    if isinstance(event, RefundEvent):
        return _post_refund(state, event)
    if isinstance(event, DisputeFundsWithdrawn | DisputeFundsReinstated):
        return _post_dispute(state, event)
    return state, _post_money(event)


def _post_money(event: PaymentEvent) -> tuple[Posting, ...]:
    match event:
        case PaymentSucceeded():
            return _moved(
                BalanceSourceId(event.charge_id), "charge", Account.CUSTOMER_RECEIVABLE, event.amount_captured
            )
        case TaskUndone(charge_id=str() as charge_id):
            charged = _moved(BalanceSourceId(charge_id), "charge", Account.CUSTOMER_RECEIVABLE, event.amount)
            return (*charged, *(posting for refund in event.refunds for posting in _undone(refund)))
        case _:
            return ()


def _post_dispute(
    state: PostingState, event: DisputeFundsWithdrawn | DisputeFundsReinstated
) -> tuple[PostingState, tuple[Posting, ...]]:
    source_id = BalanceSourceId(event.dispute_id)
    category, sign = ("dispute", -1) if isinstance(event, DisputeFundsWithdrawn) else ("dispute_reversal", 1)
    times = state.disputes.get((source_id, category), 0) + 1
    awaits = None if times == 1 else Awaits.FURTHER_ROW
    posted = _moved(source_id, category, Account.DISPUTES, event.amount, sign=sign, awaits=awaits)
    after = replace(state, disputes={**state.disputes, (source_id, category): times})
    return after, tuple(replace(each, times=times) for each in posted)


def _post_refund(state: PostingState, event: RefundEvent) -> tuple[PostingState, tuple[Posting, ...]]:
    match event:
        case RefundRequested():
            return _with(state, event.refund_id, RefundToPost(amount=event.amount)), ()
        case RefundFound():
            refund = RefundToPost(amount=event.amount, stage=RefundStage.PENDING)
            return _with(state, event.refund_id, refund), _refunded(event, refund.amount, Awaits.POSSIBLE)
        case RefundPending():
            return _pending(state, event)
        case RefundSucceeded():
            return _succeeded(state, event)
        case RefundFailed():
            return _failed(state, event)
        case _:
            assert_never(event)


def _pending(state: PostingState, event: RefundPending) -> tuple[PostingState, tuple[Posting, ...]]:
    refund = _known(state, event.refund_id)
    if refund.stage is not RefundStage.REQUESTED:
        return state, ()
    after = _with(state, event.refund_id, replace(refund, stage=RefundStage.PENDING))
    return after, _refunded(event, refund.amount, Awaits.POSSIBLE)


def _succeeded(state: PostingState, event: RefundSucceeded) -> tuple[PostingState, tuple[Posting, ...]]:
    refund = _known(state, event.refund_id)
    match refund.stage:
        case RefundStage.REQUESTED:
            after = _with(state, event.refund_id, replace(refund, stage=RefundStage.POSTED))
            return after, _refunded(event, refund.amount)
        case RefundStage.PENDING:
            after = _with(state, event.refund_id, replace(refund, stage=RefundStage.POSTED))
            return after, _refunded(event, refund.amount, Awaits.DUE)
        case RefundStage.POSTED:
            return state, ()
        case _:
            assert_never(refund.stage)


def _failed(state: PostingState, event: RefundFailed) -> tuple[PostingState, tuple[Posting, ...]]:
    refund = _known(state, event.refund_id)
    after = replace(state, refunds={each: it for each, it in state.refunds.items() if each != event.refund_id})
    if event.stripe_refund_id is None:
        return after, ()
    # Nobody may have told of it before it failed: at Stripe the money may have gone and come back all the same.
    unheard_of = refund.stage is RefundStage.REQUESTED
    went = _refunded(event, refund.amount, Awaits.POSSIBLE) if unheard_of else ()
    awaits = None if refund.stage is RefundStage.POSTED else Awaits.POSSIBLE
    came_back = _moved(
        BalanceSourceId(event.stripe_refund_id), "refund_failure", Account.REFUNDS, refund.amount, awaits=awaits
    )
    return after, (*went, *came_back)


def post_awaited(*, source_id: BalanceSourceId, category: str, movement: SignedMoney) -> tuple[Posting, ...]:
    """Return what a refund posts that was pending, now that its money has moved. The amount is ours."""
    sign = 1 if movement.amount_cents > 0 else -1
    return _moved(source_id, category, Account.REFUNDS, movement.magnitude, sign=sign)


def _refunded(
    event: RefundFound | RefundPending | RefundSucceeded | RefundFailed, amount: Money, awaits: Awaits | None = None
) -> tuple[Posting, ...]:
    assert event.stripe_refund_id is not None
    return _moved(BalanceSourceId(event.stripe_refund_id), "refund", Account.REFUNDS, amount, sign=-1, awaits=awaits)


def _undone(refund: UndoneRefund) -> tuple[Posting, ...]:
    source_id = BalanceSourceId(refund.stripe_refund_id)
    return _moved(source_id, "refund", Account.REFUNDS, refund.amount, sign=-1, awaits=Awaits.POSSIBLE)


def _moved(
    source_id: BalanceSourceId,
    category: str,
    counter: Account,
    amount: Money,
    *,
    sign: int = 1,
    awaits: Awaits | None = None,
) -> tuple[Posting, ...]:
    """Post money that came to Stripe from another account, or with ``sign`` -1 the way back."""
    posted = transfer(
        source_id=source_id,
        category=category,
        kind=EntryKind.MOVEMENT,
        debit=Account.STRIPE_CLEARING,
        credit=counter,
        amount=SignedMoney(amount_cents=sign * amount.amount_cents, currency=amount.currency),
    )
    return tuple(replace(each, awaits=awaits) for each in posted)


def _known(state: PostingState, refund_id: RefundId) -> RefundToPost:
    refund = state.refunds.get(refund_id)
    if refund is None:
        raise RefundUnknown(refund_id=refund_id)
    return refund


def _with(state: PostingState, refund_id: RefundId, refund: RefundToPost) -> PostingState:
    return replace(state, refunds={**state.refunds, refund_id: refund})

"""Disputes: Stripe tells of them, nobody here asks for them.

A dispute goes from needs_response over under_review to won or lost. An inquiry (``warning_``) comes before it, or
ends by itself. Then only what a bank does late follows: a lost dispute may be given back, which makes it won, or
be appealed, which ends in won or in lost for good. https://docs.stripe.com/disputes/how-disputes-work

A bank may also take back what it gave: then the amount is withdrawn once more, and a new round begins, in which the
dispute may take any status again. How often the amount moved only ever rises at Stripe, so it tells news from what is
told late, which statuses alone do not.
"""

from domain.payment.errors import InconsistentFact
from domain.payment.events import (
    DisputeClosed,
    DisputeEvent,
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    DisputeOpened,
    DisputeUpdated,
)
from domain.payment.facts import RecordDispute
from domain.payment.state import APPEALS, Dispute, PaymentState
from domain.payment.values import DisputeFunds, DisputeStatus

_IN_ORDER = tuple(DisputeStatus)
"""How far a dispute has come: it never goes back, but for an appeal that fails."""

_CLOSED = frozenset({DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED, DisputeStatus.LOST, DisputeStatus.WON})


def record(state: PaymentState, fact: RecordDispute) -> tuple[DisputeEvent, ...]:
    """Take Stripe's word: what of it is news. A dispute stays that of the charge with which it was first heard of."""
    known = state.disputes.get(fact.dispute_id)
    charge_id = state.charge_id if known is None else known.charge_id
    if charge_id is not None and fact.charge_id != charge_id:
        reason = f"Dispute {fact.dispute_id} is of {fact.charge_id}, not of {charge_id}"
        raise InconsistentFact(payment_id=state.payment_id, reason=reason)
    if known is None:
        moved = _funds(fact, withdrawn=0, reinstated=0)
        before, after = _around_the_end(moved)
        return (_opened(fact), *before, *_end(fact), *after)
    moved = _funds(fact, withdrawn=known.times_withdrawn, reinstated=known.times_reinstated)
    before, after = _around_the_end(moved)
    return (*before, *_moved(known, fact), *after)


def _opened(fact: RecordDispute) -> DisputeOpened:
    return DisputeOpened(
        dispute_id=fact.dispute_id,
        charge_id=fact.charge_id,
        amount=fact.amount,
        reason=fact.reason,
        status=fact.status.value,
        evidence_due_by=fact.evidence_due_by,
    )


def _moved(known: Dispute, fact: RecordDispute) -> tuple[DisputeUpdated | DisputeClosed, ...]:
    advances = _advances(known, fact)
    if fact.status in _CLOSED:
        return _end(fact) if advances else ()
    # A time for the evidence is only ever put off: an earlier one is old news.
    due_by = max(known.evidence_due_by or 0, fact.evidence_due_by or 0) or None
    if advances or (fact.status is known.status and due_by != known.evidence_due_by):
        return (DisputeUpdated(dispute_id=fact.dispute_id, status=fact.status.value, evidence_due_by=due_by),)
    return ()


def _advances(known: Dispute, fact: RecordDispute) -> bool:
    status, told, now = fact.status, _round(_times(fact)[0]), _round(known.times_withdrawn)
    if told != now:
        return told > now and status is not known.status
    if known.status is DisputeStatus.WON and now > 1 and known.funds is DisputeFunds.WITHDRAWN:
        # It stands as it was won before the amount was taken once more: whatever else is told of now came after that.
        return status is not DisputeStatus.WON
    if status is DisputeStatus.LOST and known.status in APPEALS:
        return True
    if known.status is DisputeStatus.LOST and known.appealed:
        return status is DisputeStatus.WON
    return _IN_ORDER.index(status) > _IN_ORDER.index(known.status)


def _round(withdrawn: int) -> int:
    """Return the round that a dispute is in: the first one begins before anything is withdrawn."""
    return max(withdrawn, 1)


def _end(fact: RecordDispute) -> tuple[DisputeClosed, ...]:
    if fact.status not in _CLOSED:
        return ()
    return (DisputeClosed(dispute_id=fact.dispute_id, status=fact.status.value),)


_Moved = tuple[DisputeFundsWithdrawn | DisputeFundsReinstated, ...]


def _funds(fact: RecordDispute, *, withdrawn: int, reinstated: int) -> _Moved:
    """Return how the amount moved beyond the times that are known."""
    moved: list[DisputeFundsWithdrawn | DisputeFundsReinstated] = []
    to_withdraw, to_reinstate = _times(fact)
    while withdrawn < to_withdraw or reinstated < to_reinstate:
        if withdrawn == reinstated:
            withdrawn += 1
            moved.append(DisputeFundsWithdrawn(dispute_id=fact.dispute_id, amount=fact.amount))
        else:
            reinstated += 1
            moved.append(DisputeFundsReinstated(dispute_id=fact.dispute_id, amount=fact.amount))
    return tuple(moved)


def _times(fact: RecordDispute) -> tuple[int, int]:
    """Return how often the amount was taken and given back, by turns: what was given back was taken before."""
    return max(fact.funds_reinstated, min(fact.funds_withdrawn, fact.funds_reinstated + 1)), fact.funds_reinstated


def _around_the_end(moved: _Moved) -> tuple[_Moved, _Moved]:
    """Return what is told before the status, and what after it: giving back follows from how the dispute ended."""
    if moved and isinstance(moved[-1], DisputeFundsReinstated):
        return moved[:-1], moved[-1:]
    return moved, ()

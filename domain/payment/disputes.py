"""Disputes: they come from Stripe alone, no client requests one.

A dispute goes from needs_response over under_review to won or lost. An inquiry (``warning_``) comes before it, or
ends by itself. Then only what a bank does late follows: a lost dispute may be given back, which makes it won, or
be appealed, which ends in won or in lost for good. https://docs.stripe.com/disputes/how-disputes-work

A bank may also take back what it gave: then the amount is withdrawn once more, and a new round begins, in which the
dispute may take any status again. How often the amount moved only ever rises at Stripe, so it tells what is new from
what arrives late, which statuses alone do not.
"""

from collections.abc import Sequence

from domain.money import Money
from domain.payment.errors import InconsistentObservation
from domain.payment.events import (
    DisputeClosed,
    DisputeEvent,
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    DisputeOpened,
    DisputeUpdated,
)
from domain.payment.observations import RecordDispute
from domain.payment.state import APPEALS, Dispute, PaymentState
from domain.payment.values import DisputeFunds, DisputeStatus

_IN_ORDER = tuple(DisputeStatus)
"""How far a dispute has come: it never goes back, but for an appeal that fails."""

_CLOSED = frozenset({DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED, DisputeStatus.LOST, DisputeStatus.WON})


def record(state: PaymentState, observed: RecordDispute) -> tuple[DisputeEvent, ...]:
    """Record what is new. A dispute always belongs to the charge with which it was first observed."""
    known = state.disputes.get(observed.dispute_id)
    charge_id = state.charge_id if known is None else known.charge_id
    if charge_id is not None and observed.charge_id != charge_id:
        reason = f"Dispute {observed.dispute_id} is of {observed.charge_id}, not of {charge_id}"
        raise InconsistentObservation(payment_id=state.payment_id, reason=reason)
    if known is None:
        moved = _funds(observed, withdrawn=0, reinstated=0)
        before, after = _split_at_status_change(moved)
        return (_opened(observed), *before, *_end(observed), *after)
    moved = _funds(observed, withdrawn=known.times_withdrawn, reinstated=known.times_reinstated)
    before, after = _split_at_status_change(moved)
    return (*before, *_status_change(known, observed), *after)


def _opened(observed: RecordDispute) -> DisputeOpened:
    return DisputeOpened(
        dispute_id=observed.dispute_id,
        charge_id=observed.charge_id,
        amount=observed.amount,
        reason=observed.reason,
        status=observed.status.value,
        evidence_due_by=observed.evidence_due_by,
    )


def _status_change(known: Dispute, observed: RecordDispute) -> tuple[DisputeUpdated | DisputeClosed, ...]:
    advances = _advances(known, observed)
    if observed.status in _CLOSED:
        return _end(observed) if advances else ()
    # The time for the evidence is only ever extended: an earlier one is out of date.
    due_by = max(known.evidence_due_by or 0, observed.evidence_due_by or 0) or None
    if advances or (observed.status is known.status and due_by != known.evidence_due_by):
        return (DisputeUpdated(dispute_id=observed.dispute_id, status=observed.status.value, evidence_due_by=due_by),)
    return ()


def _advances(known: Dispute, observed: RecordDispute) -> bool:
    status, new_round, known_round = observed.status, _round(_times(observed)[0]), _round(known.times_withdrawn)
    if new_round != known_round:
        return new_round > known_round and status is not known.status
    if known.status is DisputeStatus.WON and known_round > 1 and known.funds is DisputeFunds.WITHDRAWN:
        # It was won before the amount was taken once more: any other status is newer than that.
        return status is not DisputeStatus.WON
    if status is DisputeStatus.LOST and known.status in APPEALS:
        return True
    if known.status is DisputeStatus.LOST and known.appealed:
        return status is DisputeStatus.WON
    return _IN_ORDER.index(status) > _IN_ORDER.index(known.status)


def _round(withdrawn: int) -> int:
    """Return the round that a dispute is in: the first one begins before anything is withdrawn."""
    return max(withdrawn, 1)


def _end(observed: RecordDispute) -> tuple[DisputeClosed, ...]:
    if observed.status not in _CLOSED:
        return ()
    return (DisputeClosed(dispute_id=observed.dispute_id, status=observed.status.value),)


_Moved = tuple[DisputeFundsWithdrawn | DisputeFundsReinstated, ...]


def _funds(observed: RecordDispute, *, withdrawn: int, reinstated: int) -> _Moved:
    """Return how the amount moved beyond the times that are known."""
    moved: list[DisputeFundsWithdrawn | DisputeFundsReinstated] = []
    to_withdraw, to_reinstate = _times(observed)
    while withdrawn < to_withdraw or reinstated < to_reinstate:
        if withdrawn == reinstated:
            amount = _amount(observed, observed.withdrawn, withdrawn)
            moved.append(DisputeFundsWithdrawn(dispute_id=observed.dispute_id, amount=amount))
            withdrawn += 1
        else:
            amount = _amount(observed, observed.reinstated, reinstated)
            moved.append(DisputeFundsReinstated(dispute_id=observed.dispute_id, amount=amount))
            reinstated += 1
    return tuple(moved)


def _amount(observed: RecordDispute, moved: Sequence[Money], before: int) -> Money:
    """Return how much moved after so many times; what must have been taken, and is not shown, was all of it."""
    return moved[before] if before < len(moved) else observed.amount


def _times(observed: RecordDispute) -> tuple[int, int]:
    """Return how often the amount was taken and given back, by turns: what was given back was taken before."""
    withdrawn, reinstated = len(observed.withdrawn), len(observed.reinstated)
    return max(reinstated, min(withdrawn, reinstated + 1)), reinstated


def _split_at_status_change(moved: _Moved) -> tuple[_Moved, _Moved]:
    """Return what comes before the change of status, and what after it: reinstating follows from how it ended."""
    if moved and isinstance(moved[-1], DisputeFundsReinstated):
        return moved[:-1], moved[-1:]
    return moved, ()

"""Disputes: Stripe tells of them, nobody here asks for them.

A dispute goes from needs_response over under_review to won or lost. An inquiry (``warning_``) comes before it, or
ends by itself. Then only what a bank does late follows: a lost dispute may be given back, which makes it won, or
be appealed, which ends in won or in lost for good. https://docs.stripe.com/disputes/how-disputes-work
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
        return (_opened(fact), *_withdrawn(fact, DisputeFunds.NONE), *_end(fact), *_reinstated(fact, DisputeFunds.NONE))
    return (*_withdrawn(fact, known.funds), *_moved(known, fact), *_reinstated(fact, known.funds))


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
    advances = _advances(known, fact.status)
    if fact.status in _CLOSED:
        return _end(fact) if advances else ()
    # A time for the evidence is only ever put off: an earlier one is old news.
    due_by = max(known.evidence_due_by or 0, fact.evidence_due_by or 0) or None
    if advances or (fact.status is known.status and due_by != known.evidence_due_by):
        return (DisputeUpdated(dispute_id=fact.dispute_id, status=fact.status.value, evidence_due_by=due_by),)
    return ()


def _advances(known: Dispute, status: DisputeStatus) -> bool:
    if status is DisputeStatus.LOST and known.status in APPEALS:
        return True
    if known.status is DisputeStatus.LOST and known.appealed:
        return status is DisputeStatus.WON
    return _IN_ORDER.index(status) > _IN_ORDER.index(known.status)


def _end(fact: RecordDispute) -> tuple[DisputeClosed, ...]:
    if fact.status not in _CLOSED:
        return ()
    return (DisputeClosed(dispute_id=fact.dispute_id, status=fact.status.value),)


def _withdrawn(fact: RecordDispute, before: DisputeFunds) -> tuple[DisputeFundsWithdrawn, ...]:
    # What was given back was taken before.
    if before is not DisputeFunds.NONE or not (fact.funds_withdrawn or fact.funds_reinstated):
        return ()
    return (DisputeFundsWithdrawn(dispute_id=fact.dispute_id, amount=fact.amount),)


def _reinstated(fact: RecordDispute, before: DisputeFunds) -> tuple[DisputeFundsReinstated, ...]:
    if before is DisputeFunds.REINSTATED or not fact.funds_reinstated:
        return ()
    return (DisputeFundsReinstated(dispute_id=fact.dispute_id, amount=fact.amount),)

"""How a dispute ends, or an inquiry becomes one that takes the money."""

from dataclasses import replace

from infra.stripe_sandbox.balance.entries import of_dispute_reversal
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.disputes.model import (
    LOST,
    NEEDS_RESPONSE,
    WARNING_CLOSED,
    WARNING_NEEDS_RESPONSE,
    WON,
    Dispute,
)
from infra.stripe_sandbox.disputes.open import response_due, shown_row, withdraw
from infra.stripe_sandbox.operation import World

_UNANSWERED = frozenset({NEEDS_RESPONSE, WARNING_NEEDS_RESPONSE})


def dispute_moves(world: World, dispute_id: str) -> None:
    """Let the bank decide: on the evidence, or because none came in time."""
    located = world.store.locate(Dispute, dispute_id)
    if located is None:
        return
    account, dispute = located
    cause = Cause(account=account)
    if dispute.closed:
        return
    if dispute.decides_to is not None:
        decide(world, cause, dispute, dispute.decides_to)
    elif dispute.status in _UNANSWERED:
        decide(world, cause, dispute, unanswered(dispute))


def unanswered(dispute: Dispute) -> str:
    """Return how an unanswered dispute ends: an inquiry without harm, any other lost."""
    return WARNING_CLOSED if dispute.inquiry else LOST


def decide(world: World, cause: Cause, before: Dispute, status: str, *, lost_amount: int | None = None) -> Dispute:
    """Give the bank's decision, inside the caller's transaction; `needs_response` makes a chargeback of an inquiry.

    A dispute can be lost in part (`lost_amount`): the rest is reinstated.
    """
    if status == NEEDS_RESPONSE:
        return _escalate(world, cause, before)
    dispute = replace(before, status=status, decides_to=None)
    lost = 0 if status == WON else before.amount if lost_amount is None else lost_amount
    is_reinstated = not before.inquiry and lost < before.amount
    if is_reinstated:
        posted = world.ledger.post(cause.account, of_dispute_reversal(before, lost_amount=lost))
        rows = [*before.balance_transactions, shown_row(world, cause, posted)]
        dispute = replace(dispute, balance_transactions=rows)
    if status == WON:
        _charge_back(world, cause, dispute, charged_back=False)
    world.store.update(cause.account, dispute, before=before)
    world.store.unschedule(dispute.id)
    if is_reinstated:
        world.events.emit(cause, "charge.dispute.funds_reinstated", dispute)
    world.events.emit(cause, "charge.dispute.closed", dispute, before=before)
    return dispute


def _escalate(world: World, cause: Cause, before: Dispute) -> Dispute:
    dispute = replace(
        before,
        status=NEEDS_RESPONSE,
        inquiry=False,
        network_reason_code="10.4",
        due_by=response_due(world.now),
        decides_to=None,
    )
    dispute = replace(dispute, balance_transactions=[withdraw(world, cause, dispute)])
    world.store.update(cause.account, dispute, before=before)
    _charge_back(world, cause, dispute, charged_back=True)
    world.store.schedule(dispute.id, dispute.due_by + 1)
    world.events.emit(cause, "charge.dispute.updated", dispute, before=before)
    world.events.emit(cause, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _charge_back(world: World, cause: Cause, dispute: Dispute, *, charged_back: bool) -> None:
    charge = world.store.get(Charge, cause.account, dispute.charge)
    assert charge is not None
    world.store.update(cause.account, replace(charge, charged_back=charged_back), before=charge)

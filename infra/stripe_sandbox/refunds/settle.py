"""Refunds that move after they were made: pending ones arrive or do not, and some that succeeded come back as failed.

https://docs.stripe.com/refunds#failed-refunds
"""

from dataclasses import replace

from infra.stripe_sandbox.balance.entries import of_refund, of_refund_failure
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.refunds.model import ENDED_WITHOUT_MONEY, FAILED, SUCCEEDED, Refund


def refund_moves(world: World, refund_id: str) -> Refund | None:
    """Let a refund take the step that it would take by itself; None when there is none of that id."""
    located = world.store.locate(Refund, refund_id)
    if located is None:
        return None
    account, refund = located
    return refund if refund.settles_to is None else settle(world, Cause(account=account), refund, refund.settles_to)


def settle(world: World, cause: Cause, before: Refund, status: str) -> Refund:
    """Move a refund to a status, with its money and its events, inside the caller's transaction."""
    refund = replace(before, status=status, settles_to=None)
    if status in ENDED_WITHOUT_MONEY:
        refund = _without_money(world, cause, refund)
    elif status == SUCCEEDED and refund.balance_transaction is None:
        posted = world.ledger.post(cause.account, of_refund(refund, available_on=world.now))
        refund = replace(refund, balance_transaction=posted)
    world.store.update(cause.account, refund, before=before)
    world.store.unschedule(refund.id)
    world.events.emit(cause, "refund.updated", refund, before=before)
    world.events.emit(cause, "charge.refund.updated", refund, before=before)
    if status == FAILED:
        world.events.emit(cause, "refund.failed", refund)
    return refund


def _without_money(world: World, cause: Cause, refund: Refund) -> Refund:
    """Return the refund with its end, after the amount is the charge's and the balance's again."""
    charge = world.store.get(Charge, cause.account, refund.charge)
    assert charge is not None
    restored = replace(charge, amount_refunded=charge.amount_refunded - refund.amount)
    world.store.update(cause.account, restored, before=charge)
    if refund.status == FAILED:
        refund = replace(refund, failure_reason="expired_or_canceled_card")
    if refund.balance_transaction is None:
        return refund
    posted = world.ledger.post(cause.account, of_refund_failure(refund))
    return replace(refund, failure_balance_transaction=posted)

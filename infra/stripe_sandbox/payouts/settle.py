"""How a payout ends."""

from dataclasses import replace

from infra.stripe_sandbox.balance.entries import of_payout_reversal
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.payouts.model import FAILED, IN_TRANSIT, PAID, PENDING, Payout

_ON_ITS_WAY = frozenset({PENDING, IN_TRANSIT})


def payout_moves(world: World, payout_id: str) -> None:
    """Let a payout arrive, or come back."""
    located = world.store.locate(Payout, payout_id)
    if located is None:
        return
    account, payout = located
    if payout.status in _ON_ITS_WAY:
        settle(world, Cause(account=account), payout, FAILED if payout.fails else PAID)


def settle(world: World, cause: Cause, before: Payout, status: str) -> Payout:
    """Move a payout to its end, inside the caller's transaction. One that was paid can still fail."""
    payout = replace(before, status=status)
    if status == PAID:
        payout = replace(payout, reconciled=payout.automatic)
    else:
        posted = world.ledger.post(cause.account, of_payout_reversal(payout))
        payout = replace(payout, failure_balance_transaction=posted)
    if status == FAILED:
        payout = replace(payout, failure_code="account_closed", failure_message="The bank account has been closed")
    world.store.update(cause.account, payout, before=before)
    world.store.unschedule(payout.id)
    world.events.emit(cause, f"payout.{status}", payout, before=before)
    if payout.reconciled and not before.reconciled:
        world.events.emit(cause, "payout.reconciliation_completed", payout, before=before)
    return payout

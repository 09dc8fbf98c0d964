"""Refunds that move by themselves: pending ones arrive, and some that succeeded come back as failed.

https://docs.stripe.com/refunds#failed-refunds
"""

from dataclasses import replace

from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.refunds.model import FAILED, Refund


def settle_due(world: World) -> None:
    """Move the refunds whose time has come, in a transaction of their own. Cheap when there are none."""
    due = world.store.next_due
    if due is None or due > world.clock():
        return
    with world.store.transaction():
        for refund_id in world.store.due(world.clock()):
            settle(world, refund_id)


def settle(world: World, refund_id: str) -> Refund | None:
    """Move one refund now, inside the caller's transaction; None when there is none of that id."""
    located = world.store.locate(Refund, refund_id)
    if located is None:
        return None
    account, refund = located
    if refund.settles_to is None:
        return refund
    settled = replace(refund, status=refund.settles_to, settles_to=None)
    if settled.status == FAILED:
        settled = replace(settled, failure_reason="expired_or_canceled_card")
        charge = world.store.get(Charge, account, refund.charge)
        assert charge is not None
        restored = replace(charge, amount_refunded=charge.amount_refunded - refund.amount)
        world.store.update(account, restored, before=charge)
    world.store.update(account, settled, before=refund)
    world.store.unschedule(refund_id)
    return settled

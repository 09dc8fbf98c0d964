"""What moves by itself when its time has come: refunds, holds, disputes, payouts and the day."""

from collections.abc import Callable, Mapping

from infra.stripe_sandbox.charges.expire import charge_moves
from infra.stripe_sandbox.disputes.decide import dispute_moves
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.payouts.daily import night_falls
from infra.stripe_sandbox.payouts.settle import payout_moves
from infra.stripe_sandbox.refunds.settle import refund_moves

_MOVES: Mapping[str, Callable[[World, str], object]] = {
    "re": refund_moves,
    "ch": charge_moves,
    "du": dispute_moves,
    "po": payout_moves,
    "daily": night_falls,
}


def settle_due(world: World) -> None:
    """Move what is due, in a transaction of its own. Cheap when nothing is.

    A step can be followed by another that is due as well: the clock may have been moved far ahead.
    """
    while (due := world.store.next_due) is not None and due <= world.clock():
        with world.transaction():
            for object_id in world.store.due(world.clock()):
                world.store.unschedule(object_id)
                _MOVES[object_id.partition("_")[0]](world, object_id)

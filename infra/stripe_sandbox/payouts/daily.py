"""The payouts that come by themselves: at each midnight of the sandbox's clock, when they are switched on.

A clock that is moved over several midnights pays out once, what is available then.
"""

from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.payouts.make import arrival, pay_out_everything
from infra.stripe_sandbox.store import FOREVER

NIGHTLY = "daily_payouts"
"""Stands among the objects that change by themselves."""


def switch_daily_payouts(world: World, *, on: bool) -> None:
    """Begin or end to pay out each day. One that was due while the sandbox was down is made up for."""
    world.behaviour.automatic_payouts = on
    scheduled = NIGHTLY in world.store.due(FOREVER)
    if on is scheduled:
        return
    with world.transaction():
        if on:
            world.store.schedule(NIGHTLY, arrival(world.now))
        else:
            world.store.unschedule(NIGHTLY)


def night_falls(world: World, _: str) -> None:
    """Pay out, inside the caller's transaction, and do so the next night again."""
    pay_out_everything(world)
    world.store.schedule(NIGHTLY, arrival(world.now))

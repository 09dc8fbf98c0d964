"""When the balance learns of a charge.

With `automatic_async`, the default, a charge names no balance transaction in the answer; it comes a moment later, and
`charge.updated` tells of it: https://docs.stripe.com/payments/payment-intents/asynchronous-capture.
"""

from dataclasses import replace

from infra.stripe_sandbox.balance.entries import of_charge
from infra.stripe_sandbox.balance.model import ROW_PREFIX
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.operation import World


def take(world: World, cause: Cause, charge: Charge) -> None:
    """Put the money of a captured charge into the balance, in the row that the charge names."""
    world.ledger.post(cause.account, of_charge(charge, world.now), row_id=charge.balance_transaction)


def book_later(world: World, charge: Charge) -> None:
    """Let a charge be booked once its payment is answered: with no lag, before anything else happens."""
    world.store.schedule(charge.id, world.clock() + world.behaviour.booking_lag_s)
    world.webhooks.added.set()


def book(world: World, cause: Cause, before: Charge) -> Charge:
    """Book a charge that is stored, tell of it, and return it; inside the caller's transaction."""
    charge = replace(before, balance_transaction=world.ids.new(ROW_PREFIX))
    take(world, cause, charge)
    world.store.update(cause.account, charge, before=before)
    world.events.emit(cause, "charge.updated", charge, before=before)
    return charge

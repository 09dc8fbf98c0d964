"""What becomes of a charge by itself: it is booked, or a hold ends."""

from dataclasses import replace

from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.charges.book import book
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.payment_intents.model import CANCELED, PaymentIntent

EXPIRED = "expired"
"""The reason of the cancellation, since 2025-03-31.basil; `automatic` before:
https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow"""


def charge_moves(world: World, charge_id: str) -> None:
    """Let a charge be booked, or a hold end."""
    located = world.store.locate(Charge, charge_id)
    if located is None:
        return
    account, charge = located
    cause = Cause(account=account)
    if charge.held:
        _expire(world, cause, charge)
    elif charge.unbooked:
        book(world, cause, charge)


def released(world: World, cause: Cause, charge: Charge) -> Charge:
    """Give up a hold, inside the caller's transaction: no money moves, so there is no refund."""
    released = replace(charge, canceled=True)
    world.store.update(cause.account, released, before=charge)
    return released


def _expire(world: World, cause: Cause, charge: Charge) -> None:
    before = world.store.get(PaymentIntent, cause.account, charge.payment_intent)
    assert before is not None
    intent = replace(
        before,
        status=CANCELED,
        amount_capturable=0,
        canceled_at=world.now,
        cancellation_reason=EXPIRED,
        next_action=None,
    )
    world.store.update(cause.account, intent, before=before)
    world.events.emit(cause, "charge.expired", released(world, cause, charge))
    world.events.emit(cause, "payment_intent.canceled", intent)

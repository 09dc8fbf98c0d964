"""Storing what an attempt led to: the intent, the charge, its money, and the events that tell of them."""

from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.charges.book import book, book_later, take
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.disputes.open import dispute_charge
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.payment_intents.attempt import Attempt
from infra.stripe_sandbox.payment_intents.model import REQUIRES_ACTION, REQUIRES_CAPTURE, SUCCEEDED, PaymentIntent
from infra.stripe_sandbox.records import difference


def keep_new(world: World, cause: Cause, result: Attempt, *, created: PaymentIntent) -> None:
    """Store a new intent that was `created` and then attempted, inside the caller's transaction."""
    world.store.insert(cause.account, result.intent)
    earlier = difference(created, result.intent)
    world.events.emit_as_it_was(cause, "payment_intent.created", result.intent, earlier=earlier)
    _keep_outcome(world, cause, result)


def keep(world: World, cause: Cause, result: Attempt, *, before: PaymentIntent) -> None:
    """Store what an attempt on an intent led to, inside the caller's transaction."""
    world.store.update(cause.account, result.intent, before=before)
    _keep_outcome(world, cause, result)


def _keep_outcome(world: World, cause: Cause, result: Attempt) -> None:
    charge = result.charge
    if charge is not None:
        _keep_charge(world, cause, charge)
    event = _event_of(result)
    if event is not None:
        world.events.emit(cause, event, result.intent)
    if charge is not None and charge.captured:
        # The money is booked after the payment has succeeded:
        # https://docs.stripe.com/payments/payment-intents/asynchronous-capture
        if charge.unbooked and charge.card.disputed is None:
            book_later(world, charge)
        else:
            dispute_charge(world, cause, book(world, cause, charge) if charge.unbooked else charge)


def _keep_charge(world: World, cause: Cause, charge: Charge) -> None:
    if not charge.succeeded:
        world.store.insert(cause.account, charge)
        world.events.emit(cause, "charge.failed", charge)
        return
    if charge.balance_transaction is not None:
        take(world, cause, charge)
    elif charge.capture_before is not None:
        world.store.schedule(charge.id, charge.capture_before)
    world.store.insert(cause.account, charge)
    world.events.emit(cause, "charge.succeeded", charge)


def _event_of(result: Attempt) -> str | None:
    """Return the type of the event about the outcome, if there is one."""
    if result.failed:
        return "payment_intent.payment_failed"
    return _EVENTS.get(result.intent.status)


_EVENTS = {
    SUCCEEDED: "payment_intent.succeeded",
    REQUIRES_CAPTURE: "payment_intent.amount_capturable_updated",
    REQUIRES_ACTION: "payment_intent.requires_action",
}

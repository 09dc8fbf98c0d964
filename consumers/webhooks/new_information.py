"""Whether an event says anything that is not in the log yet. Pure.

An event contains its object as it was when the event was made. It may be late, and a later event may have arrived
before it. So nothing is recorded from it: if it says nothing new it is ignored, else the payment is read at Stripe.
"""

from typing import assert_never

from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.events import JsonObject, ObjectKind, Reference
from consumers.stripe.translate.payments import dispute_observations, listed_refund_observations, payment_observations
from domain.errors import DomainError
from domain.payment.observations import PaymentObservation
from domain.payment.observe import observe
from domain.payment.state import PaymentState


def is_new_information(reference: Reference, payment: PaymentState) -> bool:
    """Return whether the payment has to be read at Stripe because of an object in an event.

    Also when the object contradicts the log, or cannot be read: then only Stripe knows what is true. And whenever
    something was undone at Stripe: a refund that was to undo it may fail, and the log does not follow that.
    """
    if payment.intents_undone:
        return True
    if reference.kind is ObjectKind.CHARGE:
        return _more_is_refunded(reference.stripe_object, payment)
    try:
        observed = observe(payment, _observations(reference))
        return bool(observed.events or observed.contradictions)
    except (DomainError, UnexpectedObject):
        return True


def _observations(reference: Reference) -> tuple[PaymentObservation, ...]:
    match reference.kind:
        case ObjectKind.INTENT:
            return payment_observations(reference.stripe_object, refunds=(), disputes=())
        case ObjectKind.REFUND:
            return listed_refund_observations(reference.stripe_object)
        case ObjectKind.DISPUTE:
            return dispute_observations(reference.stripe_object)
        case ObjectKind.CHARGE:
            return ()
        case _:
            assert_never(reference.kind)


def _more_is_refunded(charge: JsonObject, payment: PaymentState) -> bool:
    """Compare sums only: each refund of a charge has events of its own as well."""
    amount = charge.get("amount_refunded")
    return not isinstance(amount, int) or amount > payment.amount_refunded_at_stripe.amount_cents

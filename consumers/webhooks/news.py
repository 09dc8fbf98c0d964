"""Whether an event says anything that the log does not know. Pure.

An event shows its object as it was when the event was made. It may be late, and another one later may have come before
it. So nothing is recorded from it: what it says either follows from what is known, or the payment is read at Stripe.
"""

from typing import assert_never

from consumers.gateway.interpret import UnexpectedObject, dispute_facts, listed_refund_facts, payment_facts
from consumers.webhooks.handled import JsonObject, Kind, Reference
from domain.errors import DomainError
from domain.payment.observations import PaymentObservation
from domain.payment.observe import observe
from domain.payment.state import PaymentState


def says_news(about: Reference, payment: PaymentState) -> bool:
    """Return whether the payment has to be read at Stripe because of it.

    Also when it contradicts what is known, or cannot be read: what is true, Stripe will say.
    """
    if about.kind is Kind.CHARGE:
        return _more_is_refunded(about.shown, payment)
    try:
        observed = observe(payment, _facts(about))
        return bool(observed.events or observed.contradictions)
    except (DomainError, UnexpectedObject):
        return True


def _facts(about: Reference) -> tuple[PaymentObservation, ...]:
    match about.kind:
        case Kind.INTENT:
            return payment_facts(about.shown, refunds=(), disputes=())
        case Kind.REFUND:
            return listed_refund_facts(about.shown)
        case Kind.DISPUTE:
            return dispute_facts(about.shown)
        case Kind.CHARGE:
            return ()
        case _:
            assert_never(about.kind)


def _more_is_refunded(charge: JsonObject, payment: PaymentState) -> bool:
    """Compare sums: refunds of a charge are told by events of their own as well."""
    amount = charge.get("amount_refunded")
    return not isinstance(amount, int) or amount > payment.amount_refunded_at_stripe.amount_cents

"""Which events follow from reading Stripe, which shows several objects: an intent, its refunds, its disputes.

Each object is decided on its own: one that contradicts what is recorded says nothing against the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.ids import StripeObjectId
from domain.payment.contradictions import contradicted, object_of, resolved
from domain.payment.decide import decide
from domain.payment.errors import InconsistentObservation, PaymentUnknown
from domain.payment.events import PaymentEvent
from domain.payment.evolve import evolve
from domain.payment.observations import PaymentObservation
from domain.payment.state import PaymentState


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What follows from observations. ``contradictions`` are the reasons why some were not believed."""

    events: tuple[PaymentEvent, ...]
    state: PaymentState
    contradictions: tuple[str, ...]


def observe(state: PaymentState | None, observations: Iterable[PaymentObservation]) -> Observed:
    """Decide on each object that was observed of a payment.

    Raises PaymentUnknown, and InconsistentObservation for a contradiction that belongs to no object at Stripe.
    """
    if state is None:
        raise PaymentUnknown
    observed_all = tuple(observations)
    events, reasons, doubted = list[PaymentEvent](), list[str](), set[StripeObjectId]()
    for observed in observed_all:
        object_id = object_of(observed)
        if object_id in doubted:
            continue
        try:
            new = decide(state, observed)
        except InconsistentObservation as error:
            if object_id is None:
                raise
            doubted.add(object_id)
            reasons.append(f"{type(error).__name__}: {error}")
            new = contradicted(state, object_id, [each for each in observed_all if object_of(each) == object_id], error)
        for event in new:
            state = evolve(state, event)
            events.append(event)
    believed = {object_of(observed) for observed in observed_all} - doubted
    for contradiction in state.open_contradictions:
        if contradiction.object_id in believed:
            over = resolved(contradiction)
            state = evolve(state, over)
            events.append(over)
    return Observed(events=tuple(events), state=state, contradictions=tuple(reasons))

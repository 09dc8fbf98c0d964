"""What follows from an observation of Stripe, which tells of several objects: an intent, its refunds, its disputes.

One of them that contradicts what is recorded says nothing against the others: each is decided on for itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.payment.contradictions import contradicted, object_of, resolved
from domain.payment.decide import decide
from domain.payment.errors import InconsistentFact, PaymentUnknown
from domain.payment.events import PaymentEvent
from domain.payment.evolve import evolve
from domain.payment.facts import PaymentFact
from domain.payment.state import PaymentState


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What follows from an observation. ``contradictions`` are the reasons why some of it was not believed."""

    events: tuple[PaymentEvent, ...]
    state: PaymentState
    contradictions: tuple[str, ...]


def observe(state: PaymentState | None, facts: Iterable[PaymentFact]) -> Observed:
    """Take in what is said of a payment, object by object.

    Raises PaymentUnknown; and InconsistentFact for a fact that contradicts and is of no object of Stripe's.
    """
    if state is None:
        raise PaymentUnknown
    told = tuple(facts)
    events, reasons, doubted = list[PaymentEvent](), list[str](), set[str]()
    for fact in told:
        object_id = object_of(fact)
        if object_id in doubted:
            continue
        try:
            new = decide(state, fact)
        except InconsistentFact as error:
            if object_id is None:
                raise
            doubted.add(object_id)
            reasons.append(f"{type(error).__name__}: {error}")
            new = contradicted(state, object_id, [each for each in told if object_of(each) == object_id], error)
        for event in new:
            state = evolve(state, event)
            events.append(event)
    believed = {object_of(fact) for fact in told} - doubted
    for contradiction in state.open_contradictions:
        if contradiction.object_id in believed:
            over = resolved(contradiction)
            state = evolve(state, over)
            events.append(over)
    return Observed(events=tuple(events), state=state, contradictions=tuple(reasons))

"""What may leave the log."""

from schemas.events.stripe_events import CATEGORY as STRIPE_EVENT

LEAVES = frozenset({STRIPE_EVENT})
"""Categories whose events are in the archive alone.

A stream of one of them has one event, and never another: a webhook that comes again is refused by its row in `streams`,
which stays. No projection is made of it, nobody decides from it, and it is the larger part of the log. A payment's
events stay: it may be refunded or disputed for as long as its bank lets it, and then it is folded from its first event.
"""

"""How a refund is spread over the legs: in proportion to what can be refunded of each, exact to the last unit.

The largest remainder method: each leg has the whole units of its share, and the units that are left over go, one each,
to the legs with the largest remainders; of equal remainders the earlier leg is first. A unit is the smallest amount
that the currency has at Stripe (100 for ISK, 10 for KWD).
"""

from collections.abc import Mapping
from typing import TypeVar

from domain import currencies
from domain.money import Money

Key = TypeVar("Key")


def spread(amount: Money, refundable: Mapping[Key, Money]) -> dict[Key, Money]:
    """Return the part of each leg that has one, in the legs' order. ``amount`` is at most what all can be refunded."""
    unit = currencies.granularity(amount.currency)
    units = amount.amount_cents // unit
    whole = {key: each.amount_cents // unit for key, each in refundable.items()}
    total = sum(whole.values())
    parts = {key: units * each // total for key, each in whole.items()}
    left = units - sum(parts.values())
    by_remainder = sorted(whole, key=lambda key: -(units * whole[key] % total))  # stable: the earlier leg first
    for key in by_remainder[:left]:
        parts[key] += 1
    return {key: Money(amount_cents=each * unit, currency=amount.currency) for key, each in parts.items() if each > 0}

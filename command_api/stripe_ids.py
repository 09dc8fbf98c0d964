"""Which ids of Stripe in a request are one merchant's."""

import re

# Stripe's own ids have no second underscore. Its test ids have one (pm_card_visa), and are everybody's:
# https://docs.stripe.com/testing#cards
_OWNED = re.compile(r"(?:cus|pm)_[A-Za-z0-9]+")


def owned_ids(*ids: str | None) -> frozenset[str]:
    """Return those of a customer or a payment method that belong to who used them first."""
    return frozenset(each for each in ids if each is not None and _OWNED.fullmatch(each))

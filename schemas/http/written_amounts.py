"""An amount as people write it, in the currency's own units, and what it is in the smallest unit of Stripe."""

import re
from collections.abc import Mapping
from typing import Final

from domain.currencies import SUPPORTED, decimals

WRITTEN: Final = r"[0-9]{1,12}(?:\.[0-9]{1,3})?"
"""Digits, and a point where there are decimals."""
_WRITTEN = re.compile(WRITTEN)


def in_smallest_unit(number: str, currency: str) -> int | None:
    """Return `12.34` in USD as 1234; None for what is no amount of that currency, as 12.34 JPY."""
    if _WRITTEN.fullmatch(number) is None:
        return None
    whole, _, fraction = number.partition(".")
    places = decimals(currency)
    return None if len(fraction) > places else int(whole + fraction.ljust(places, "0"))


def by_currency(number: str) -> Mapping[str, int]:
    """Return what a number is in each currency that has so many decimals, in the smallest unit of each.

    `500` is 50000 in USD and 500 in JPY; `12.34` is nothing in JPY.
    """
    amounts = {currency: in_smallest_unit(number, currency) for currency in SUPPORTED}
    return {currency: amount for currency, amount in amounts.items() if amount is not None}

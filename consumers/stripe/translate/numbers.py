"""Whole numbers in Stripe's objects: amounts and moments that can be stored, posted and shown."""

from collections.abc import Mapping
from typing import Any

HIGHEST = 2**53
"""Of what every reader of JSON takes for the same number."""
_LAST_MOMENT = 253_402_300_799
"""The end of the year 9999, in Unix seconds: no calendar has more."""


def whole_number(shown: Mapping[str, Any], name: str, *, least: int = -HIGHEST, most: int = HIGHEST) -> int:
    """Return a field that is a whole number. Raises KeyError, and ValueError for anything else."""
    found = shown[name]
    if type(found) is not int or not least <= found <= most:
        raise ValueError(f"{name} is no whole number, or out of range")
    return found


def moment(shown: Mapping[str, Any], name: str) -> int:
    """Return a field that is a moment, in Unix seconds. Raises KeyError, and ValueError for anything else."""
    return whole_number(shown, name, least=0, most=_LAST_MOMENT)

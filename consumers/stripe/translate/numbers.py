"""Numbers in Stripe's objects: amounts, moments and rates that can be stored, posted and shown."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
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


def exchange_rate(row: Mapping[str, Any]) -> Decimal | None:
    """Return at what rate a balance transaction was converted, if it was. Raises ValueError for what is no rate."""
    found = row.get("exchange_rate")
    if found is None:
        return None
    try:
        rate = Decimal(str(found))
        if not 0 < rate < HIGHEST:
            raise ValueError("exchange_rate is out of range")
    except InvalidOperation as error:
        raise ValueError("exchange_rate is no number") from error
    return rate

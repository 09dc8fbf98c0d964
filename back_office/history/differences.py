"""What differs between two versions of a payment. Pure: from the query API's JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from back_office.web.money import format_money
from back_office.web.words import words

Json = dict[str, Any]

_OF_THE_VERSION = {"version", "updated_at"}
_CENTS = "_cents"
_NOTHING = "Nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field that is not the same. Where it is a part of another, its name has all of them."""

    name: str
    before: str
    after: str


def differences(before: Json, after: Json) -> list[Difference]:
    """Return what differs, in the order of the later one's fields."""
    first, second = dict(_flat(before)), dict(_flat(after))
    return [
        Difference(name=name, before=first.get(name, _NOTHING), after=second.get(name, _NOTHING))
        for name in dict.fromkeys([*second, *first])
        if first.get(name, _NOTHING) != second.get(name, _NOTHING)
    ]


def _flat(view: Json, prefix: str = "", currency: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field as people read it; an amount with the currency of what it stands in."""
    currency = str(view.get("currency") or currency)
    for name, value in view.items():
        if not prefix and name in _OF_THE_VERSION:
            continue
        label = f"{prefix}{words(name.removesuffix(_CENTS))}"
        if isinstance(value, dict):
            yield from _flat(value, f"{label}: ", currency)
        elif isinstance(value, list):
            for number, each in enumerate(value, start=1):
                yield from _flat(each if isinstance(each, dict) else {"": each}, f"{label} {number}: ", currency)
        elif value is not None:
            is_amount = name.endswith(_CENTS) and isinstance(value, int) and currency
            yield label, format_money(value, currency) if is_amount else words(str(value))

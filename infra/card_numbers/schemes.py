"""The card schemes that are issued today: their first digits, lengths, and the check digit (Luhn, ISO/IEC 7812-1).

Ranges: https://en.wikipedia.org/wiki/Payment_card_number, and those of
https://github.com/braintree/credit-card-type. The check digit is asked for of each: one in ten numbers has it by
chance. Of UnionPay some cards are said to lack it: those are found where they are written in a card's groups.
"""

from collections.abc import Iterable, Mapping

_16 = frozenset({16})
_16_TO_19 = frozenset({16, 17, 18, 19})
# Without Indonesia's GPN (1946) and air travel's UATP (1): times in microseconds and many other ids begin like these.
_ISSUED: Mapping[str, tuple[str, frozenset[int]]] = {
    "Visa": ("4", frozenset({13, 16, 19})),
    "Mastercard": ("51-55 2221-2720", _16),
    "American Express": ("34 37", frozenset({15})),
    "Diners Club": ("300-305 309 36 38 39", frozenset({14, 16, 19})),
    "Discover": ("6011 644-649 65", frozenset({16, 19})),
    "JCB": ("3528-3589", _16_TO_19),
    "UnionPay": ("62 810-817", _16_TO_19),
    # No new ones in Europe since July 2023; issued elsewhere, and valid for years.
    "Maestro": ("5018 5020 5038 5893 6304 6759 6761-6763", frozenset(range(13, 20))),
    "Bancontact": ("6703", frozenset({16, 17, 18, 19})),
    "Mir": ("2200-2204", _16_TO_19),
    "RuPay": ("60 81 82 508 353 356", _16),
    "Troy": ("9792", _16),
    "Verve": ("506099-506198 507865-507964 650002-650027", frozenset({16, 18, 19})),
    "Elo": ("504175 506699-506778 509000-509999 636297 636368", _16),
    "Meeza": ("507803 507808-507811", _16),
    "mada": ("588845-588851 636120 968201-968211", _16),
    "Carnet": ("502275 506199-506499 639484-639559", _16),
    "Cabal, Naranja": ("5896 589562", _16),
    "Dankort": ("5019", _16),
    "UzCard, Humo": ("8600 5614 9860", _16),
    "Belkart": ("9112", _16),
    "BORICA": ("2205", _16),
    "NAPAS": ("9704", frozenset({16, 19})),
}
_UNIONPAY = "62"
_DOUBLED = {str(digit): sum(divmod(digit * 2, 10)) for digit in range(10)}
_LONGEST_PREFIX = 6


def _prefixes(ranges: str) -> Iterable[str]:
    for each in ranges.split():
        first, _, last = each.partition("-")
        yield from (str(number) for number in range(int(first), int(last or first) + 1))


def _by_prefix() -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for ranges, lengths in _ISSUED.values():
        for prefix in _prefixes(ranges):
            found[prefix] = found.get(prefix, frozenset()) | lengths
    return found


_LENGTHS = _by_prefix()


def is_card(digits: str, *, in_groups: bool = False) -> bool:
    """Tell whether a number is one that a scheme may have issued; `in_groups`: it is written as a card is."""
    length = len(digits)
    for end in range(1, _LONGEST_PREFIX + 1):
        lengths = _LENGTHS.get(digits[:end])
        if lengths is not None and length in lengths:
            return has_check_digit(digits) or (in_groups and digits.startswith(_UNIONPAY))
    return False


def has_check_digit(digits: str) -> bool:
    """Tell whether the last digit is Luhn's."""
    return (sum(map(int, digits[-1::-2])) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))) % 10 == 0

"""Finds card numbers in what a client sends, so that none ever enters the system, its logs or its errors.

A number counts as a card's when it has a card scheme's first digits and length and a right check digit (Luhn,
ISO/IEC 7812-1), written plainly or grouped by spaces or hyphens. First digits and lengths are asked for because one
in ten numbers has a right check digit by chance: customers with long numeric ids must still be able to pay.
Ranges: https://en.wikipedia.org/wiki/Payment_card_number
"""

import re
from typing import Any

_SUSPECT = re.compile(rb"[0-9](?:[ -]?[0-9]){12}|\\u")  # \u: an escape could spell a digit
_GROUPS = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?:[ -][0-9]+)*(?![0-9A-Za-z])")
_UUID = re.compile(r"(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])", re.ASCII | re.IGNORECASE)
_LONGEST = 19
_SHORTEST_GROUP = 3  # 4-4-4-4, 4-6-5, 4-4-4-4-3: with less, dates and times would make cards
_SCHEMES = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|6(?:011|4[4-9]\d|5\d{2}|2\d{2})\d{12,15}"  # Discover, UnionPay
    r"|(?:220[0-4]|9792|60\d{2}|8[12]\d{2}|508\d)\d{12}"  # Mir, Troy, RuPay
    r"|(?:50|5[6-9]|6[0-9])\d{11,17}",  # Maestro
    re.ASCII,
)


def holds_card_number(raw: bytes, document: Any) -> bool:
    """Tell whether any string of a JSON document, keys included, holds a card number.

    `raw` is the document as it came; most have no long run of digits, and then the document is not walked.
    """
    if _SUSPECT.search(raw) is None:
        return False
    pending = [document]
    while pending:
        match pending.pop():
            case str(text) if text_holds_card_number(text):
                return True
            case dict(members):
                pending.extend(members.keys())
                pending.extend(members.values())
            case list(items):
                pending.extend(items)
            case _:
                pass
    return False


def text_holds_card_number(text: str) -> bool:
    """Tell whether a card number stands in the text, alone or between other words. UUIDs are passed over."""
    if "-" in text:
        text = _UUID.sub("_", text)
    return any(_in_groups(found.group().replace("-", " ").split(" ")) for found in _GROUPS.finditer(text))


def _in_groups(groups: list[str]) -> bool:
    """Tell whether some neighbouring groups of digits make a card number: two cards may stand side by side."""
    for first, group in enumerate(groups):
        digits = group
        if _is_card(digits):
            return True
        for following in groups[first + 1 :]:
            digits += following
            if len(digits) > _LONGEST or min(len(group), len(following)) < _SHORTEST_GROUP:
                break
            if _is_card(digits):
                return True
    return False


def _is_card(digits: str) -> bool:
    return _SCHEMES.fullmatch(digits) is not None and _has_right_check_digit(digits)


def _has_right_check_digit(digits: str) -> bool:
    doubled = sum(sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0

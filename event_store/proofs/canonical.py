"""Canonical JSON: RFC 8785, so that whoever has a value has the bytes that were hashed.

One thing beyond it, as PostgreSQL stores numbers of any length: a number that a double does not hold keeps all its
digits. Nobody changes one without changing the bytes.
"""

import json
import re
from decimal import Decimal
from typing import Any

import orjson

from event_store.proofs.errors import MalformedProof

# What orjson may write otherwise than RFC 8785: fractions, integers of more than 64 bits, and the order of keys that
# have characters beyond U+E000 (https://www.rfc-editor.org/rfc/rfc8785#section-3.2.3). Some strings look so too.
# Each expression begins with a letter that is looked for: one for both would take five times as long.
_NUMBER = re.compile(r" -?[0-9]+(?:\.|(?<=[0-9]{19}))")
_FIRST_OF_ARRAY = re.compile(r"\[-?[0-9]+(?:\.|(?<=[0-9]{19}))")
_CHARACTER = re.compile(r"[\ue000-\U0010ffff]")
# Beyond these it writes an exponent: https://tc39.es/ecma262/#sec-numeric-types-number-tostring.
_LARGEST_PLAIN, _SMALLEST_PLAIN = 21, -6
_LARGEST_INTEGER = 10**_LARGEST_PLAIN


def canonical_text(text: str) -> bytes:
    """Return the canonical form of JSON in PostgreSQL's words: no exponents, a space after colon and comma.

    Raises MalformedProof.
    """
    if _is_plain(text):
        try:
            return orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            pass  # it is nested deeper than orjson goes, or no JSON
    return canonical(parse_exactly(text))


def _is_plain(text: str) -> bool:
    return (
        text.startswith(("{", "["))
        and _NUMBER.search(text) is None
        and _FIRST_OF_ARRAY.search(text) is None
        and (text.isascii() or _CHARACTER.search(text) is None)
    )


def parse_exactly(text: str) -> Any:
    """Return a JSON value with all digits of its numbers. Raises MalformedProof, also for a repeated member."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unrepeated)
    except (ValueError, RecursionError) as error:
        raise MalformedProof(f"it is not JSON: {type(error).__name__}") from None


def canonical(value: Any) -> bytes:
    """Return the canonical form of a value that `parse_exactly` gave. Raises MalformedProof."""
    try:
        return _text(value).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise MalformedProof(f"it has no canonical form: {type(error).__name__}") from None


def _text(value: Any) -> str:  # noqa: PLR0911 - one line per kind of value
    match value:
        case dict():
            keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
            return "{" + ",".join(f"{_string(key)}:{_text(value[key])}" for key in keys) + "}"
        case list():
            return "[" + ",".join(map(_text, value)) + "]"
        case str():
            return _string(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if abs(value) < _LARGEST_INTEGER:
            return str(value)
        case int() | Decimal():
            return _number(Decimal(value))
        case _:
            raise TypeError(type(value).__name__)


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: Decimal) -> str:
    """Return a number as ECMAScript writes it (Number::toString), with all its digits."""
    sign, all_digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    whole = "".join(map(str, all_digits)).lstrip("0")
    digits = whole.rstrip("0")
    point = len(whole) + exponent  # where the decimal point is, counted from the first digit
    if not digits:
        return "0"
    if len(digits) <= point <= _LARGEST_PLAIN:
        written = digits.ljust(point, "0")
    elif 0 < point <= _LARGEST_PLAIN:
        written = f"{digits[:point]}.{digits[point:]}"
    elif _SMALLEST_PLAIN < point <= 0:
        written = f"0.{'0' * -point}{digits}"
    else:
        written = f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1:+d}"
    return f"-{written}" if sign else written


def _unrepeated(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):  # which one counts depends on who reads it
        raise ValueError("a member is there twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(name)

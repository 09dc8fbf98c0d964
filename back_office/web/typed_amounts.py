"""What somebody typed, read as an amount. Pure."""

import re
import unicodedata
from dataclasses import dataclass

from back_office.web.filters import CURRENCY_LETTERS
from schemas.http.written_amounts import by_currency

_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_AMOUNT = re.compile(r"(?:([A-Za-z]{3}) *)?([0-9.,]+)(?: *([A-Za-z]{3}))?")
_DIGITS_AND_MARKS = re.compile(r"^[-+]|[\d.,'\s]")


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedAmount:
    """An amount in the currency's own units, without commas; of any currency, unless one was typed."""

    number: str
    currency: str | None = None


def typed_number(text: str) -> str | None:
    """Return a number without the commas that group its thousands; None for what is none.

    A comma elsewhere is refused: `10,50` is ten and a half to some, and a thousand and fifty to others.
    """
    number = text.strip()
    return number.replace(",", "") if _NUMBER.fullmatch(number) else None


def typed_amount(text: str) -> TypedAmount | None:
    """Return the amount that a text is: `12.34`, `1,234.50`, `12.34 USD`, `JPY 500`; None where it is none.

    It is none either in a currency that has not so many decimals, or that Stripe does not charge.
    """
    found = _AMOUNT.fullmatch(text.strip())
    number = typed_number(found[2]) if found else None
    if found is None or number is None or (found[1] and found[3]):
        return None
    currency = (found[1] or found[3] or "").upper() or None
    amounts = by_currency(number)
    if not amounts or (currency is not None and currency not in amounts):
        return None
    return TypedAmount(number=number, currency=currency)


def looks_like_amount(text: str) -> bool:
    """Whether somebody may have meant an amount by what is none: `$90`, `90,00 EUR`, `10.5 JPY`."""
    if typed_amount(text) is not None or not any(each.isdigit() for each in text):
        return False
    rest = _DIGITS_AND_MARKS.sub("", text.strip())
    signs = sum(unicodedata.category(each) == "Sc" for each in rest)
    letters = sum(each.isalpha() for each in rest)
    if signs + letters < len(rest) or signs > 1:
        return False
    return letters in {0, CURRENCY_LETTERS} or (signs == 1 and letters < CURRENCY_LETTERS)

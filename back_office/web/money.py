"""Amounts as people read and write them, exactly: no floating point on the way.

How many decimals an amount has is Stripe's rule for the currency, not ISO's: see domain.currencies.
"""

from domain.currencies import SUPPORTED, decimals
from schemas.http.written_amounts import in_smallest_unit


class NoAmount(ValueError):
    """What was written is no amount of that currency; the text says how one is written."""


def is_charged(currency: str) -> bool:
    """Whether Stripe charges in this currency."""
    return currency in SUPPORTED


def format_money(amount_cents: int, currency: str) -> str:
    """Return `1,234.50 USD`, `1,234 JPY`, `1.230 KWD`; with a minus below zero."""
    return f"{format_number(amount_cents, currency)} {currency}"


def format_number(amount_cents: int, currency: str, *, grouped: bool = True) -> str:
    """Return the amount without its currency, as a field of a form has it."""
    places = decimals(currency)
    whole, fraction = divmod(abs(amount_cents), 10**places)
    number = f"{whole:,}" if grouped else str(whole)
    sign = "-" if amount_cents < 0 else ""
    return f"{sign}{number}.{fraction:0{places}}" if places else f"{sign}{number}"


def parse_money(text: str, currency: str) -> int:
    """Return what was written in the currency's smallest unit, as Stripe counts it. Raises NoAmount.

    A comma is refused: `10,50` is ten and a half to some, and a thousand and fifty to others.
    """
    found = in_smallest_unit(text.strip(), currency)
    if found is None:
        places = decimals(currency)
        example = format_number(1234 * 10**places, currency, grouped=False)
        raise NoAmount(f"Write an amount in {currency} with {_digits(places)} and no comma, as {example}.")
    return found


def _digits(places: int) -> str:
    return f"up to {places} digits after the point" if places else "no digits after the point"

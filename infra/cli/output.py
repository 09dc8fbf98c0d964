"""How tables, amounts and foreign text are shown on a terminal, or in a pipe."""

import sys

from rich.console import Console

from infra.log_render import mask_text

_WIDTH_OF_A_PIPE = 1000  # a line for each row
# What Stripe counts without decimals, and with three; ISK and UGX are sent with two.
# Source: https://docs.stripe.com/currencies#zero-decimal
_WITHOUT_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def console() -> Console:
    """Return the standard output, which takes text as it is."""
    width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    return Console(width=width, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    """Return text that shows what it has: nothing in it moves the cursor, and no secret is in it."""
    return mask_text("".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text))


def format_amount(amount_cents: int, currency: str) -> str:
    """Return an amount in the currency's smallest unit as Stripe counts it, as people write it: 10.00 USD."""
    decimals = 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    return f"{amount_cents / 10**decimals:,.{decimals}f} {currency}"

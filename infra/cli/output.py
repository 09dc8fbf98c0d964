"""How tables, amounts and foreign text are shown on a terminal, or in a pipe."""

import sys

from rich.console import Console

from domain.currencies import decimals
from infra.log_render import mask_text

_WIDTH_OF_A_PIPE = 1000  # a line for each row


def console() -> Console:
    """Return the standard output, which takes text as it is."""
    width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    return Console(width=width, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    """Return text that shows what it has: nothing in it moves the cursor, and no secret is in it."""
    return mask_text("".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text))


def format_amount(amount_cents: int, currency: str) -> str:
    """Return an amount in the currency's smallest unit as Stripe counts it, as people write it: 10.00 USD."""
    places = decimals(currency)
    return f"{amount_cents / 10**places:,.{places}f} {currency}"

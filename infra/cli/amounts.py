"""Shows amounts to people."""

# What Stripe counts without decimals, and with three; ISK and UGX are sent with two.
# Source: https://docs.stripe.com/currencies#zero-decimal
_WITHOUT_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def shown(amount_cents: int, currency: str) -> str:
    """Return an amount in the currency's smallest unit as Stripe counts it, as people write it: 10.00 USD."""
    decimals = 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    return f"{amount_cents / 10**decimals:,.{decimals}f} {currency}"

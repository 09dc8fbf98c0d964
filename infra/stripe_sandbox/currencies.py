"""Which currencies and amounts Stripe charges: https://docs.stripe.com/currencies.

Amounts are in the smallest unit as Stripe counts it. Stripe treats ISK and UGX as having two decimals that must be
zero, and counts three-decimal currencies in thousandths of which the last must be zero.
"""

from infra.stripe_sandbox.errors import StripeError, invalid_parameter

# The tables are those of domain/currencies.py, which infra does not know: a test holds them equal.
MAXIMUM_AMOUNT = 99_999_999
MAXIMUM_AMOUNTS = {"idr": 999_999_999_999, "cop": 9_999_999_999, "inr": 999_999_999}

SUPPORTED = (  # noqa: SIM905 - 130 quoted words would hide the list
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf "
    "clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr "
    "ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur "
    "mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek "
    "sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer "
    "zar zmw"
).split()
_SUPPORTED = frozenset(SUPPORTED)

ZERO_DECIMAL = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_UNITS_ONLY = frozenset({"isk", "ugx"})

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
MINIMUM_AMOUNTS = {
    "usd": 50, "aed": 200, "ars": 50, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "cop": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "idr": 50, "ils": 50, "inr": 50, "jpy": 50, "krw": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "php": 50, "pln": 200, "ron": 200, "rub": 50, "sek": 300, "sgd": 50, "thb": 1000,
    "zar": 50,
}  # fmt: skip

_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
_ZERO_AMOUNT = (
    "The amount must be greater than or equal to the minimum charge amount allowed for your account and the currency "
    "set (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).  If you want to save a Payment "
    "Method for future use without an immediate payment, use a Setup Intent instead: "
    "https://docs.stripe.com/payments/setup-intents"
)


def check_currency(currency: str) -> str:
    """Return the currency in lower case. Raises StripeError (400) for one that Stripe does not charge in."""
    lower = currency.lower()
    if lower not in _SUPPORTED:
        raise invalid_parameter(
            f"Invalid currency: {lower}. Stripe currently supports these currencies: {', '.join(SUPPORTED)}",
            param="currency",
        )
    return lower


def check_amount(amount: int, currency: str) -> None:
    """Raise StripeError (400) when a charge of this amount would be refused."""
    if amount == 0:
        raise _invalid_integer(_ZERO_AMOUNT)
    if amount < 0:
        raise _invalid_integer("Invalid positive integer")
    maximum = MAXIMUM_AMOUNTS.get(currency, MAXIMUM_AMOUNT)
    if amount > maximum:
        raise invalid_parameter(
            f"Amount must be no more than {formatted(maximum, currency)}",
            param="amount",
            code="amount_too_large",
        )
    minimum = MINIMUM_AMOUNTS.get(currency, 1)
    if amount < minimum:
        raise invalid_parameter(
            f"Amount must be at least {formatted(minimum, currency)} {currency}",
            param="amount",
            code="amount_too_small",
        )
    divisor = 100 if currency in WHOLE_UNITS_ONLY else 10 if currency in THREE_DECIMAL else 1
    if amount % divisor:
        raise _invalid_integer(f"Invalid amount: amounts in {currency} must be evenly divisible by {divisor}.")


def formatted(amount: int, currency: str) -> str:
    """Return the amount as Stripe writes it in messages: `$12.50`, `¥500`, `12.50 SEK`."""
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    number = f"{amount / 10**decimals:,.{decimals}f}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency.upper()}"


def _invalid_integer(message: str) -> StripeError:
    return invalid_parameter(message, param="amount", code="parameter_invalid_integer")

"""How Stripe counts each currency, and the amounts it takes. Not ISO 4217: Stripe differs where it hurts.

Source of every table: https://docs.stripe.com/currencies (presentment currencies, minor units, special cases,
minimum and maximum charge amounts).
"""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ZERO_DECIMAL = _codes("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
"""Counted in whole units: 500 JPY is sent as 500."""

THREE_DECIMAL = _codes("BHD JOD KWD OMR TND")
"""Counted in thousandths whose last digit must be 0."""

WHOLE_UNITS_AS_HUNDREDTHS = _codes("ISK UGX")
"""Zero-decimal in the world, yet sent in hundredths, for backwards compatibility: 5 ISK is 500, never 505."""

_TWO_DECIMAL = _codes(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY
    COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD
    KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
    NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP
    TRY TTD TWD TZS UAH USD UYU UZS WST XCD XCG YER ZAR ZMW
    """
)

SUPPORTED = _TWO_DECIMAL | ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_AS_HUNDREDTHS

_MINIMUM = {
    **dict.fromkeys(_codes("ARS AUD BRL CAD CHF COP EUR IDR ILS INR JPY KRW NZD PHP RUB SGD USD ZAR"), 50),
    "AED": 2_00,
    "CZK": 15_00,
    "DKK": 2_50,
    "GBP": 30,
    "HKD": 4_00,
    "HUF": 175_00,
    "MXN": 10_00,
    "MYR": 2_00,
    "NOK": 3_00,
    "PLN": 2_00,
    "RON": 2_00,
    "SEK": 3_00,
    "THB": 10_00,
}
_MAXIMUM = {"IDR": 999_999_999_999, "COP": 9_999_999_999, "INR": 999_999_999}
_DEFAULT_MAXIMUM = 99_999_999
"""Cards alone may go higher; this is what every payment method takes."""


def decimals(currency: str) -> int:
    """Count the digits of Stripe's amount after the point: 2 for USD and ISK, 0 for JPY, 3 for KWD."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def granularity(currency: str) -> int:
    """Give the number, in Stripe's unit, that every amount must be a multiple of."""
    if currency in WHOLE_UNITS_AS_HUNDREDTHS:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def minimum_charge(currency: str) -> int:
    """Give the least charge in Stripe's unit; where none is documented, the least that can be written."""
    return _MINIMUM.get(currency, granularity(currency))


def maximum_charge(currency: str) -> int:
    """Give the largest charge in Stripe's unit."""
    return _MAXIMUM.get(currency, _DEFAULT_MAXIMUM)

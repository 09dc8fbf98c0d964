"""What Stripe charges: 2.9 % and a fixed part for a card payment, 15.00 for a dispute (https://stripe.com/pricing).

The fixed parts are those of the US price list, taken over in each currency's own unit where it is worth something
alike; refunds do not give the fee back.
"""

from infra.stripe_sandbox.currencies import THREE_DECIMAL, WHOLE_UNITS_ONLY, ZERO_DECIMAL

PER_MILLE = 29
_FIXED_CARD = 30
_FIXED_DISPUTE = 1500


def card_fee(amount: int, currency: str) -> int:
    """Return the fee on a captured amount, in the currency's smallest unit as Stripe counts it."""
    percentage = (amount * PER_MILLE + 500) // 1000
    return _payable(percentage + _fixed(_FIXED_CARD, currency), currency)


def dispute_fee(currency: str) -> int:
    """Return the fee for a dispute, won or lost."""
    return _payable(_fixed(_FIXED_DISPUTE, currency), currency)


def _fixed(hundredths: int, currency: str) -> int:
    """Return so many hundredths of two-decimal currencies; of others, about as much money."""
    if currency in ZERO_DECIMAL:
        return hundredths
    return hundredths * 10 if currency in THREE_DECIMAL else hundredths


def _payable(amount: int, currency: str) -> int:
    """Return the amount in steps that exist: thousandths end in 0, and ISK and UGX have whole units only."""
    step = 100 if currency in WHOLE_UNITS_ONLY else 10 if currency in THREE_DECIMAL else 1
    return -(-amount // step) * step

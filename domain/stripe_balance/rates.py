"""Rates at which Stripe converted an amount for the balance."""

from decimal import Decimal


def is_at_rate(presented: int, rate: Decimal, on_balance: int) -> bool:
    """Whether an amount came to this one on the balance at a rate, as exactly as Stripe shows it.

    The rate is between the smallest units, in which Stripe counts amounts, also where their decimals differ:
    https://docs.stripe.com/api/balance_transactions/object#balance_transaction_object-exchange_rate
    """
    converted = presented * rate
    # Stripe shows six digits of it.
    tolerance = max(Decimal(1), abs(converted) * Decimal("0.00001"))
    return abs(converted - on_balance) <= tolerance

"""The chart of accounts. An account exists in every currency that it was ever used in."""

from enum import StrEnum


class Account(StrEnum):
    """Where money is, or why it moved."""

    CUSTOMER_RECEIVABLE = "customer_receivable"
    """What customers owe: a payment that succeeded settles it."""
    STRIPE_CLEARING = "stripe_clearing"
    """What Stripe holds for us: our balance there, available or not yet."""
    STRIPE_FEES = "stripe_fees"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    PAYOUTS_IN_TRANSIT = "payouts_in_transit"
    """Taken off the balance at Stripe, and not yet seen at the bank."""
    BANK = "bank"
    CURRENCY_CONVERSION = "currency_conversion"
    """What went in in one currency came out in another: its balances, at the market's rates, are about nothing."""
    ADJUSTMENTS = "adjustments"
    """Whatever else Stripe did to the balance: top-ups, corrections, contributions."""

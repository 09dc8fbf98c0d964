"""Payouts: what is available goes to the bank, each day by itself or when asked (https://docs.stripe.com/payouts)."""

"""Payouts: what is available goes to the bank (https://docs.stripe.com/payouts).

When the API or the control panel asks for it; and each day by itself, where that is switched on.
"""

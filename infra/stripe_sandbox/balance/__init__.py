"""The balance: every amount that came in or went out, its fee, and when it can be paid out.

https://docs.stripe.com/reports/balance-transaction-types. The account has a balance in each currency that it was paid
in; nothing is converted.
"""

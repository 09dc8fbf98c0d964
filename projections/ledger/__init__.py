"""The `ledger` projection: the entries that payments and Stripe's balance post, and the sums of each day.

Its rules are those of `domain.ledger`. It reads two topics, and either may be ahead of the other.
"""

"""The projection `payment_totals`: how many payments stand where, by when they were made and why they were refused.

The totals are rows that all payments of a quarter of an hour share. So each payment has a row of its own beside them,
which says what it is counted as, and only what changed of it is added.
"""

"""Payments: the list, a payment, and what can be done with it."""

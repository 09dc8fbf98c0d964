"""Stripe for all consumers: the calls (`client`), and what its objects say in our terms (`translate`).

Not for: when a call is made, and what follows from its answer.
"""

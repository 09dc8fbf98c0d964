"""The write side over HTTP: takes commands, decides them on the event store, answers without waiting for Stripe.

Not for: reading payments (`query_api`) or calling Stripe (`consumers`).
"""

"""Brings log and Kafka together again after PostgreSQL came back younger than what it had said.

A standby that was promoted without the last commits, a restored backup, a restored dump. Until then the log is closed:
nothing is appended, published or sent to Stripe. See docs/decisions/0017.
"""

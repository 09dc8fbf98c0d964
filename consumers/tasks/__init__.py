"""Calls of Stripe that are to be made, as rows. Webhooks, sweeper and reconciliation write some too.

Not for: making the calls (`consumers.gateway`).
"""

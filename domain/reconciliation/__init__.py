"""Reconciliation with Stripe: which rows of two books belong together, what differs, and what becomes of that.

The two books are Stripe's balance transactions and the movements of our ledger's account `stripe_clearing`.
"""

"""Reconciliation with Stripe: which rows of two sides belong together, what differs, and the life of a discrepancy.

The two sides are Stripe's balance transactions and the movements of our ledger's account `stripe_clearing`.
"""

"""Calls to Stripe: which are stuck or wait, and what operators do about them."""

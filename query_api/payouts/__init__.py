"""Payouts over HTTP. They are of the whole Stripe account, of no one merchant."""

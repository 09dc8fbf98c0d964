"""Reconciliations and discrepancies over HTTP, for finance: they are of the Stripe account, not of one merchant."""

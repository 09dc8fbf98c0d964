"""What finance decides about differences between Stripe and the ledger."""

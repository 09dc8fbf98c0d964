"""What finance sees of the whole Stripe account, for a merchant: its own part, by the payments that are its own."""

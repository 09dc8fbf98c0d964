"""What a payout pays, as Stripe says: read there on demand, as the log does not have it."""

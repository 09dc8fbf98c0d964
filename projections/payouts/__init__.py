"""The projection `payouts`: each payout with the status that Stripe last told."""

"""Stripe's webhooks: check who sent one, put it into the log, answer. A consumer finds out what it means."""

"""Webhooks to merchants: payment events, signed, in order for each payment, at least once."""

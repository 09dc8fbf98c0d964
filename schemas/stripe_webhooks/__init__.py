"""Stripe's events on the wire, brought by a webhook or shown by a list: what is read of one, and what is never kept."""

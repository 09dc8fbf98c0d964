"""Stripe's objects, which are plain JSON, as ours. Pure."""

"""Disputes as a list of their own, read from the `payments` projection; it has no table."""

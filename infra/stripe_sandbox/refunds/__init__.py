"""Refunds: money given back, at once or later, or not after all."""

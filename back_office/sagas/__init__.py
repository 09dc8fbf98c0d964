"""Sagas that have not ended, and what operators do about them."""

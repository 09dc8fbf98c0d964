"""Customers over HTTP: what a user's payments come to."""

"""Stripe's API: the client, and the guard that spares Stripe. Imports nothing: `stripe` takes most of a second."""

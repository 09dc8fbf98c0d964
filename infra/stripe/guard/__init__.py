"""Spares Stripe, and leaves it alone while it is down: rate limit, cap of calls in flight, circuit breaker.

Importing `infra.stripe.guard.settings` imports `stripe`, which takes most of a second: this module imports nothing.
"""

"""The version of Stripe's API that the sandbox speaks."""

API_VERSION = "2026-10-28.endive"
"""Also what a request without a Stripe-Version header gets: it is the one that the pinned SDK speaks."""

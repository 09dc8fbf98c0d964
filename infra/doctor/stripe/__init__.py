"""Stripe: the key, the account, the version of the API, webhooks, and the clock."""

"""Webhooks to the merchant: where they go, what was delivered, and sending once more."""

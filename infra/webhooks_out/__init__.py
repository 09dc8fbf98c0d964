"""Webhooks to merchants: signatures, secrets, which addresses may be called, and the rows of `webhooks_out`."""

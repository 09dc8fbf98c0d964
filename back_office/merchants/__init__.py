"""Merchants, their API keys and webhook endpoints, and the keys of the operator."""

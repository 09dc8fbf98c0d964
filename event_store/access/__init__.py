"""Merchants and API keys: how an operator makes, replaces and ends them."""

"""Payouts, and what each pays."""

"""Charges: each attempt to take money, successful or not."""

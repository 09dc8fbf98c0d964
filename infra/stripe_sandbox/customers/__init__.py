"""Customers: whom a payment is of."""

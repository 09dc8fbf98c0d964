"""Reconciliation runs and discrepancies."""

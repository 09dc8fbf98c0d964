"""Totals by day over HTTP: of a merchant's payments, and of what the ledger says moved."""

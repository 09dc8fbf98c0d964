"""Reconciliations that finance asks for over HTTP."""

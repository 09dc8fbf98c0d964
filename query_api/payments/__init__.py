"""Payments over HTTP: one, their list, and what happened to each."""

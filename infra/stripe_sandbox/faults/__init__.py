"""Faults on demand: what goes wrong with requests, webhooks and balance rows, by rules that repeat with their seed."""

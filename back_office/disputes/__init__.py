"""Disputes, those first whose evidence is due first."""

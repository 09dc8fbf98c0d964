"""Vendored and own files that the pages load."""

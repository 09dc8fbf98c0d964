"""Disputes over HTTP, by the time until which evidence is taken."""

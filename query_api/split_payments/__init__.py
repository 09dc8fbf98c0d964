"""Split payments over HTTP: one with its legs and its history, and lists."""

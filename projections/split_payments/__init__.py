"""Split payments with their legs and their history, from their own events."""

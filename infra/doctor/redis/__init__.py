"""Redis or Valkey: the fast path, and the servers that vote for locks."""

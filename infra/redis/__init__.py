"""Redis or Valkey: a client that gives up early, and locks between processes."""

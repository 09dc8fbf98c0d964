"""Who calls: the known API keys, read from the settings and from PostgreSQL."""

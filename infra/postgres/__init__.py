"""PostgreSQL: a pool of connections that survives restarts, and statements from `.sql` files."""

"""PostgreSQL: the server, who logs in and with which rights, the schema's revision, and the number of connections."""

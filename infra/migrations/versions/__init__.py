"""Alembic revisions, one thin file each; the SQL they run stands in `../sql/`."""

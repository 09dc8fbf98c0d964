"""Database migrations: one linear Alembic history whose steps are plain SQL files in `sql/`.

Not for: table definitions in Python. A revision in `versions/` only names its SQL file.
"""

"""Projections: read tables built from payment events, and the process that keeps them up to date.

Each projection is a package: its pure mapping from events to rows, its writing (`projection.py`) and its
reading (`read.py`), the SQL of both beside them. Not for: decisions or side effects; a projection can be
dropped and rebuilt.
"""

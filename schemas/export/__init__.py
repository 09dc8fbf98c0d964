"""The published documents on events: JSON Schemas of their data and headers, and AsyncAPI for the topics.

`paystream schemas export` writes what these functions return to `schemas/exported/`; it finds them by the entry points
of pyproject.toml. Not for: what may change in them (`schemas.compatibility`).
"""

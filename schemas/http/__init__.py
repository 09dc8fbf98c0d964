"""HTTP bodies of both APIs, as pydantic models: what OpenAPI shows and what the command API checks.

Not for: status codes and headers, which belong to the APIs.
"""

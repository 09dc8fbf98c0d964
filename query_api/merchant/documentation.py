"""What OpenAPI says of a merchant's view of its finance beyond the signatures."""

from typing import Any

from pydantic import BaseModel

from query_api import documentation

ETAG = "Made of what is shown."
_ERRORS = {403: {"forbidden": "The API key lacks the scope payments:read"}}


def documented(answer: type[BaseModel], *, etag: str | None = None) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`."""
    return documentation.documented(answer, _ERRORS, etag=etag)

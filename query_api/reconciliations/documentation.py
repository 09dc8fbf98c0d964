"""What OpenAPI says of the reads of reconciliations beyond their signatures."""

from typing import Any

from pydantic import BaseModel

from query_api import documentation

_ERRORS = {403: {"forbidden": "The API key lacks the scope finance:read"}}
_NOT_FOUND = {404: {"reconciliation_not_found": "No run of such a day was ever asked for"}}


def documented(answer: type[BaseModel], *, one: bool = False) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`; `one`: of a path that may name nothing."""
    return documentation.documented(answer, _ERRORS | (_NOT_FOUND if one else {}))

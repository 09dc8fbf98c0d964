"""What OpenAPI says of the reads of reconciliations beyond their signatures."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from query_api import documentation

_ERRORS = {403: {"forbidden": "The API key lacks the scope finance:read"}}
NOT_FOUND = {404: {"reconciliation_not_found": "No run of such a day was ever asked for"}}


DISCREPANCY_NOT_FOUND = {404: {"discrepancy_not_found": "There is no such discrepancy"}}


def documented(
    answer: type[BaseModel], *, one: bool = False, not_found: Mapping[int, Mapping[str, str]] = NOT_FOUND
) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`; `one`: of a path that may name nothing."""
    return documentation.documented(answer, {**_ERRORS, **(not_found if one else {})})

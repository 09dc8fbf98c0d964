"""What OpenAPI says of the reads of split payments beyond their signatures."""

from typing import Any

from pydantic import BaseModel

from query_api import documentation
from query_api.payments.documentation import ERRORS

SPLIT_PAYMENT_ETAG = "The split payment's version."
_NOT_FOUND = {404: {"split_payment_not_found": "There is no such split payment of this merchant"}}


def documented(answer: type[BaseModel], *, one: bool = False, etag: str | None = None) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers `answer`; `one`: of a path that may name nothing."""
    return documentation.documented(answer, ERRORS | (_NOT_FOUND if one else {}), etag=etag)

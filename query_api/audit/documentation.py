"""What OpenAPI says of the endpoints of auditors."""

from typing import Any

from pydantic import BaseModel

from query_api import documentation
from schemas.http.audit import ErasurePage, SealsView, StaffLogPage

_ERRORS = {
    403: {"forbidden": "The API key lacks the scope audit:read"},
    501: {"history_not_configured": "This query API has no way to the log"},
}
_PAYMENT_ERRORS = _ERRORS | {
    404: {"payment_not_found": "There is no such payment"},
    409: {"history_broken": "Its events make no sense together"},
}
_PROOF_ERRORS = {
    403: _ERRORS[403],
    404: {"not_found": "There is no such event and no such stream"},
    409: {
        "not_sealed": "It is not sealed yet; ask again",
        "not_as_sealed": "The log or its tiles are not what was sealed",
    },
    501: _ERRORS[501] | {"proofs_not_configured": "This query API does not know where the tiles of the log are"},
    503: {"proofs_unavailable": "The tiles of the log cannot be read now; ask again"},
}


def _file(media_type: str, errors: dict[int, dict[str, str]]) -> dict[str, Any]:
    """Return the keyword arguments of a route that answers a file."""
    options = documentation.documented(BaseModel, errors)
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    options["responses"][200] = {"description": "The file", "content": content}
    return options


SEALS = documentation.documented(SealsView, _ERRORS)
STAFF_LOG = documentation.documented(StaffLogPage, _ERRORS)
ERASURES = documentation.documented(ErasurePage, _ERRORS)
CAUSES = _file("image/svg+xml", _PAYMENT_ERRORS)
PROOFS = _file("application/zip", _PROOF_ERRORS)

"""Takes out of an event what must never be stored: client secrets, wherever they stand, and what it is told to mask.

With a client secret a customer's browser pays: https://docs.stripe.com/api/payment_intents/object. They stand in
members of that name, and within addresses that a customer is sent to.
"""

import re
from collections.abc import Callable
from typing import Any

from schemas.storable_text import storable

REMOVED = "[removed]"

# `pi_123_secret_abc`, `src_client_secret_abc`, `?payment_intent_client_secret=...`, a member `client_secret`
_SECRET = re.compile(r"client_?secret|_secret_", re.IGNORECASE)


class TooDeep(ValueError):
    """The document is nested more deeply than any event of Stripe, and than what later has to read it can."""


def redacted(
    document: dict[str, Any], *, max_depth: int = 100, mask: Callable[[str], str] | None = None
) -> dict[str, Any]:
    """Return a copy without client secrets, and with what PostgreSQL cannot hold replaced: NUL, and half characters.

    `mask` takes out of a text what else must not be kept: people write card numbers into descriptions. Raises TooDeep.
    """
    return dict(_members(document, max_depth, mask or _as_it_is))


def _copy(value: Any, depth: int, mask: Callable[[str], str]) -> Any:
    match value:
        case str():
            return _text(value, mask)
        case dict():
            return dict(_members(value, depth, mask))
        case list():
            if depth == 0:
                raise TooDeep
            return [_copy(item, depth - 1, mask) for item in value]
        case _:
            return value


def _members(document: dict[str, Any], depth: int, mask: Callable[[str], str]) -> list[tuple[str, Any]]:
    if depth == 0:
        raise TooDeep
    return [
        (_text(name, mask), _copy(value, depth - 1, mask))
        for name, value in document.items()
        if not _SECRET.search(name)
    ]


def _text(text: str, mask: Callable[[str], str]) -> str:
    return REMOVED if _SECRET.search(text) else mask(storable(text))


def _as_it_is(text: str) -> str:
    return text

"""The last steps of a log line: secrets and card numbers masked, then JSON bytes. Neither ever raises."""

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from structlog.typing import EventDict, WrappedLogger

from infra.card_numbers import mask_card_numbers, text_holds_card_number

MASK = "***"

# Deeper than any of our fields and than a structured traceback; ends a value that contains itself.
_MAX_DEPTH = 12

_SECRET_KEY = re.compile(
    r"authorization|secret|passw|api_?key|token|cookie|signature|private_key|card_number|^cvc$|^pan$",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s]+(@)")
_TOKEN = re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+|((?:whsec|[sr]k_[a-z]+|\w+_secret)_)[A-Za-z0-9]+")
_SHORTEST_CARD, _LONGEST_CARD = 10**12, 10**19 - 1


def mask_fields(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    """Mask the values of secret-looking keys, and secrets and card numbers inside any text."""
    return {key: _masked_item(key, value, _MAX_DEPTH) for key, value in fields.items()}


def mask_text(text: str) -> str:
    """Return the text without URL passwords, bearer tokens, Stripe secrets and card numbers."""
    # Nearly every text has none of this: looking for it costs a tenth of the patterns.
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1{MASK}\2", text)
    if "sk_" in text or "rk_" in text or "sec" in text or "earer " in text or "EARER " in text:
        text = _TOKEN.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)
    return mask_card_numbers(text, MASK)


def render(_: WrappedLogger, __: str, fields: EventDict) -> bytes:
    """Return the line as JSON in UTF-8, with its line feed."""
    try:
        return orjson.dumps(fields, default=_repr, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Lone surrogates and integers beyond 64 bits.
        return json.dumps(fields, default=_repr).encode("ascii") + b"\n"


def _masked_item(key: Any, value: Any, depth: int) -> Any:
    if value is not None and isinstance(key, str) and _is_secret(key):
        return MASK
    return _masked(value, depth)


@lru_cache(maxsize=4096)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _masked(value: Any, depth: int) -> Any:
    match value:
        case str():
            return mask_text(value)
        case int() if _SHORTEST_CARD <= value <= _LONGEST_CARD and text_holds_card_number(str(int(value))):
            return MASK
        case dict() if depth:
            return {str(key): _masked_item(key, item, depth - 1) for key, item in value.items()}
        case list() | tuple() if depth:
            return [_masked(item, depth - 1) for item in value]
        case int() | float() | None | UUID() | datetime():
            return value
        case _:
            return mask_text(_repr(value))


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - somebody's __repr__ must not cost us the line
        return f"<{type(value).__name__}>"

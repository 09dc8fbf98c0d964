"""How an API key is, in words. Pure: from the command API's JSON."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyState:
    """Its state with a tone; `is_valid`: something can still be done about it."""

    tone: str
    words: str
    is_valid: bool


def key_state(key: dict[str, Any], now: datetime) -> KeyState:
    """Return how a key is at a moment."""
    if key["revoked_at"]:
        return KeyState(tone="bad", words="Revoked", is_valid=False)
    if key["expires_at"] and datetime.fromisoformat(key["expires_at"]) <= now:
        return KeyState(tone="quiet", words="Expired", is_valid=False)
    if key["replaced_by"]:
        return KeyState(tone="wait", words="Replaced, still valid", is_valid=True)
    return KeyState(tone="good", words="Valid", is_valid=True)

"""The one shape of an encrypted value: a text in place of the value, so that a text stays a text for every reader.

    encrypted:v1:<key id>:<nonce, ciphertext and tag>[:<clear partial>]

The key id is a UUID in 32 hexadecimal digits. The second part is AES-256-GCM's, in base64url without padding (RFC
4648): 12 bytes of nonce, then the ciphertext of the value's JSON with its tag of 16 bytes. The additional data (AAD) is
the event's id, a line feed, and the JSON pointer of the value (RFC 6901). The partial, where its field declares one, is
what stays readable for ever: the last four digits of a card.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.personal_data import ERASED

__all__ = [
    "DAMAGED",
    "ENCRYPTED",
    "ERASED",
    "PREFIX",
    "EncryptedValue",
    "has_encrypted",
    "hidden",
    "key_ids",
    "member",
    "replaced",
    "without",
]

PREFIX = "encrypted:v1:"
ENCRYPTED = "[encrypted]"
"""What a reader without keys sees of a value."""
DAMAGED = "[damaged]"
"""What is read of a value that is not as it was encrypted: it was altered, or moved to another event or field."""

_TEXT = re.compile(r"encrypted:v1:([0-9a-f]{32}):([A-Za-z0-9_-]+)(?::([A-Za-z0-9]{1,8}))?")
_QUOTED = re.compile(rb'"encrypted:v1:([0-9a-f]{32}):[A-Za-z0-9_-]+(?::[A-Za-z0-9]{1,8})?"')
_MARK = b'"' + PREFIX.encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class EncryptedValue:
    """A value that only the holder of its key can read. `sealed`: nonce, ciphertext and tag."""

    key_id: UUID
    sealed: bytes
    partial: str | None = None

    def __str__(self) -> str:
        text = f"{PREFIX}{self.key_id.hex}:{urlsafe_b64encode(self.sealed).rstrip(b'=').decode()}"
        return text if self.partial is None else f"{text}:{self.partial}"

    @classmethod
    def parse(cls, value: object) -> "EncryptedValue | None":
        """Return what a text holds; None for anything else."""
        found = _TEXT.fullmatch(value) if isinstance(value, str) and value.startswith(PREFIX) else None
        if found is None:
            return None
        sealed = urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4))
        return cls(key_id=UUID(found[1]), sealed=sealed, partial=found[3])


def has_encrypted(data: bytes) -> bool:
    """Whether a JSON document may hold an encrypted value: a look of microseconds."""
    return _MARK in data


def key_ids(data: bytes) -> set[UUID]:
    """Return the ids of the keys that a JSON document needs."""
    return {UUID(found.decode()) for found in _QUOTED.findall(data)} if has_encrypted(data) else set()


def hidden(data: bytes, shown: Callable[[UUID], str] = lambda _: ENCRYPTED) -> bytes:
    """Return a JSON document with a text in place of each encrypted value: `shown`, of the key's id."""
    if not has_encrypted(data):
        return data
    return _QUOTED.sub(lambda found: b'"' + shown(UUID(found[1].decode())).encode() + b'"', data)


def replaced(value: Any, by: Callable[[EncryptedValue, str], Any], pointer: str = "") -> Any:
    """Return JSON with another value for each encrypted one: `by`, of it and its JSON pointer."""
    if isinstance(value, dict):
        return {name: replaced(each, by, member(pointer, name)) for name, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, by, member(pointer, number)) for number, each in enumerate(value)]
    found = EncryptedValue.parse(value)
    return value if found is None else by(found, pointer)


def without(value: Any, pointers: Collection[str], pointer: str = "") -> Any:
    """Return JSON in which what the JSON pointers name reads that it was erased."""
    if pointer in pointers and value is not None:
        return ERASED
    if isinstance(value, dict):
        return {name: without(each, pointers, member(pointer, name)) for name, each in value.items()}
    if isinstance(value, list):
        return [without(each, pointers, member(pointer, number)) for number, each in enumerate(value)]
    return value


def member(pointer: str, name: str | int) -> str:
    """Return the JSON pointer of a member of what a pointer names."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"

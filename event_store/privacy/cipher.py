"""AES-256-GCM over single values, and over the keys that encrypt them.

https://csrc.nist.gov/pubs/sp/800/38/d/final: a nonce is 12 random bytes, and never used twice with a key.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.ids import KeyId
from infra.errors import Unavailable
from schemas.personal import Subject
from schemas.personal.encrypted import EncryptedValue

_KEY_BITS = 256
_NONCE_BYTES = 12


class Damaged(Exception):
    """A value or key is not what was encrypted: it was altered or moved, or the key is another one."""


class KeysUnavailable(Unavailable):
    """A key of personal data cannot be had now: nothing is wrong with the records, so they wait."""

    code: ClassVar[str] = "personal_data_unavailable"
    title: ClassVar[str] = "Personal data can be neither encrypted nor read now"


class UnknownWrappingKey(KeysUnavailable):
    """A key was wrapped with one that the settings do not have."""

    def __init__(self, wrapping_key: str) -> None:
        super().__init__(f"PRIVACY_WRAPPING_KEYS has no key {wrapping_key!r}, or another one of this id")
        self.wrapping_key = wrapping_key


class KeyJustDestroyed(KeysUnavailable):
    """The key of a subject was destroyed while it was fetched: the next time it gets a new one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrappedKey:
    """The key of a subject as the database has it."""

    key_id: KeyId
    subject: Subject
    wrapped: bytes
    wrapping_key: str


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class DataKey:
    """The key of a subject, ready for use."""

    key_id: KeyId
    aead: AESGCM

    @classmethod
    def unkept(cls, key_id: KeyId) -> "DataKey":
        """Return a key that nobody keeps: what it encrypts can be read by nobody, from the beginning."""
        return cls(key_id=key_id, aead=AESGCM(AESGCM.generate_key(_KEY_BITS)))

    def encrypt(self, value: Any, *, event_id: UUID, pointer: str, partial: str | None = None) -> str:
        """Return what stands in the place of a value, which must be JSON."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self.aead.encrypt(nonce, orjson.dumps(value), _context(event_id, pointer))
        return str(EncryptedValue(key_id=self.key_id, sealed=sealed, partial=partial))

    def decrypt(self, value: EncryptedValue, *, event_id: UUID, pointer: str) -> Any:
        """Return the value that was encrypted at this place of this event. Raises Damaged."""
        nonce, ciphertext = value.sealed[:_NONCE_BYTES], value.sealed[_NONCE_BYTES:]
        try:
            return orjson.loads(self.aead.decrypt(nonce, ciphertext, _context(event_id, pointer)))
        except (InvalidTag, ValueError):
            raise Damaged from None


class WrappingKeys:
    """The keys of the settings, by id: the first wraps what is new."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys`: at least one."""
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self.newest = next(iter(keys))

    def __repr__(self) -> str:
        return f"WrappingKeys({', '.join(self._keys)})"

    def new_key(self, key_id: KeyId, subject: Subject) -> WrappedKey:
        """Make a key for a subject."""
        return self._wrap(key_id, subject, AESGCM.generate_key(_KEY_BITS))

    def unwrap(self, key: WrappedKey) -> DataKey:
        """Return a key ready for use. Raises UnknownWrappingKey."""
        return DataKey(key_id=key.key_id, aead=AESGCM(self._unwrapped(key)))

    def rewrap(self, key: WrappedKey) -> WrappedKey:
        """Wrap a key with the newest one. Raises UnknownWrappingKey."""
        return self._wrap(key.key_id, key.subject, self._unwrapped(key))

    def _wrap(self, key_id: KeyId, subject: Subject, key: bytes) -> WrappedKey:
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = nonce + self._keys[self.newest].encrypt(nonce, key, _owner(key_id, subject))
        return WrappedKey(key_id=key_id, subject=subject, wrapped=wrapped, wrapping_key=self.newest)

    def _unwrapped(self, key: WrappedKey) -> bytes:
        if key.wrapping_key not in self._keys:
            raise UnknownWrappingKey(key.wrapping_key)
        nonce, ciphertext = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
        try:
            return self._keys[key.wrapping_key].decrypt(nonce, ciphertext, _owner(key.key_id, key.subject))
        except (InvalidTag, ValueError):
            raise UnknownWrappingKey(key.wrapping_key) from None  # of that id, but another key


def _context(event_id: UUID, pointer: str) -> bytes:
    return f"{event_id}\n{pointer}".encode()


def _owner(key_id: KeyId, subject: Subject) -> bytes:
    return f"{key_id}\n{subject.merchant_id}\n{subject.name}".encode()

"""Which connections encrypt: whoever appends by one that a vault is attached to need not think of it.

A connection, not an argument of every function between a process and the append: none of them can forget it.
"""

from collections.abc import Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection

from event_store.appends import Append
from schemas.envelope import RecordedEvent


class Encrypting(Protocol):
    """Encrypts the personal values of events that are about to be appended."""

    async def encrypt(self, appends: Sequence[Append]) -> Sequence[Append]:
        """Return the appends with their personal values encrypted. What is encrypted already stays as it is."""


class Decrypting(Protocol):
    """Reads the personal values of recorded events in clear."""

    async def decrypt(self, events: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
        """Return the events with their personal values in clear; of those that were erased, `[erased]`."""


_ATTACHED: "WeakKeyDictionary[AsyncConnection[Any], Encrypting]" = WeakKeyDictionary()


def attach(connection: AsyncConnection[Any], vault: Encrypting) -> None:
    """Have all that is appended by a connection encrypted."""
    _ATTACHED[connection] = vault


def attached_to(connection: AsyncConnection[Any]) -> Encrypting | None:
    """Return what encrypts for a connection; None: nothing does."""
    return _ATTACHED.get(connection)

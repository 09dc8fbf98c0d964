"""What those see of personal data who have no keys and need none, such as auditors: that it is encrypted, or erased."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from event_store.privacy.keys import burned_keys
from infra.postgres.pool import Connection
from schemas.envelope import RecordedEvent
from schemas.personal.encrypted import ENCRYPTED, ERASED, has_encrypted, hidden, key_ids


async def masked(conn: Connection, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Return the events with `[encrypted]` for what somebody can read, and `[erased]` for what nobody can."""
    shown = await _shown(conn, [event.data for event in events])
    return [replace(event, data=hidden(event.data, shown)) if has_encrypted(event.data) else event for event in events]


async def masked_value(conn: Connection, value: bytes) -> bytes:
    """Return the value of a record likewise; it may be no event, and no JSON."""
    return hidden(value, await _shown(conn, [value]))


async def _shown(conn: Connection, documents: Sequence[bytes]) -> Callable[[UUID], str]:
    needed = set[UUID]().union(*map(key_ids, documents))
    burned = await burned_keys(conn, needed) if needed else set()
    return lambda key_id: ERASED if key_id in burned else ENCRYPTED

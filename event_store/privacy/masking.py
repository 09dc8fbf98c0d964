"""What those see of personal data who have no keys and need none, such as auditors: that it is encrypted, or erased."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from event_store.privacy.keys import burned_keys
from infra.postgres.pool import Connection
from schemas.envelope import RecordedEvent
from schemas.personal.encrypted import ENCRYPTED, ERASED, has_encrypted, hidden, key_ids


async def masked(conn: Connection, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Return the events with `[encrypted]` for what somebody can read, and `[erased]` for what nobody can."""
    needed = set[UUID]().union(*(key_ids(event.data) for event in events))
    if not needed:
        return list(events)
    burned = await burned_keys(conn, needed)

    def shown(key_id: UUID) -> str:
        return ERASED if key_id in burned else ENCRYPTED

    return [replace(event, data=hidden(event.data, shown)) if has_encrypted(event.data) else event for event in events]

"""Everything about a user, in clear, for themselves: what the law calls the right of access."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from event_store.archive.one_log import OneLog
from event_store.privacy.user_data import (
    SQL,
    archived_stripe_events_of,
    batches,
    find_user_data,
    stripe_events_of,
)
from event_store.privacy.vault import AnyVault, Vault
from event_store.store import load, load_many
from infra.postgres.pool import Connection
from schemas.envelope import RecordedEvent
from schemas.events.privacy_events import stream_id_of
from schemas.personal import Subject

Json = dict[str, Any]


async def exported(
    conn: Connection, vault: AnyVault, subject: Subject, *, log: OneLog | None = None
) -> tuple[Json, int]:
    """Return the document, and how many events are in it. What is of other people in it stays encrypted.

    `log` has what is archived.
    """
    found = await find_user_data(conn, subject)
    only = found.subjects

    async def clear(events: Sequence[RecordedEvent]) -> list[Json]:
        read = await vault.decrypt(events, only=only) if isinstance(vault, Vault) else await vault.decrypt(events)
        return [_event(each) for each in read]

    streams: dict[UUID, list[Json]] = {}
    for batch in batches(found.streams):
        for stream_id, events in (await load_many(conn, batch)).items():
            streams[stream_id] = await clear(events)
    stripe = await clear(await _stripe_events_of(conn, log, found.references))
    about = [_event(each) for each in await load(conn, stream_id_of(subject))]
    answers = [
        {"stream_id": str(row[0]), "status": row[1], "response": orjson.loads(row[2]), "at": row[3]}
        for row in await (await conn.execute(SQL.answers_of, {"stream_ids": found.streams})).fetchall()
    ]
    document = {
        "merchant_id": subject.merchant_id,
        "user_id": subject.user_id,
        "exported_at": datetime.now(UTC),
        "payments": [{"id": str(each), "events": streams[each]} for each in found.payments],
        "split_payments": [{"id": str(each), "events": streams[each]} for each in found.split_payments],
        "stripe_events": stripe,
        "stored_answers": answers,
        "privacy": about,
    }
    return document, sum(map(len, streams.values())) + len(stripe) + len(about)


async def _stripe_events_of(conn: Connection, log: OneLog | None, references: Collection[str]) -> list[RecordedEvent]:
    if log is None:
        return await stripe_events_of(conn, references)
    while True:
        archived = await archived_stripe_events_of(log, references)
        found = [*archived, *await stripe_events_of(conn, references)]
        if not await log.changed():
            return found


def _event(event: RecordedEvent) -> Json:
    return {
        "type": event.type,
        "at": event.recorded_at,
        "position": event.position,
        "actor": event.metadata.actor,
        "data": orjson.loads(event.data),
    }

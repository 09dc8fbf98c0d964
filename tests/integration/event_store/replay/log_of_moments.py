"""Writes events at given positions and times, as only a superuser can."""

from collections.abc import Mapping
from datetime import datetime

import psycopg

from tests.support.database import Database

_INSERT = """
INSERT INTO event_store.events
       (position, event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
VALUES (%s, gen_random_uuid(), gen_random_uuid(), 1, 'payment', 'test.happened', 1, '{}',
        '{"correlation_id": "c", "actor": "a", "merchant_id": "m"}', %s)
"""


async def write_moments(database: Database, moments: Mapping[int, datetime]) -> None:
    """Write an event at each position, recorded at its moment."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SET session_replication_role = replica")
        async with owner.cursor() as cursor:
            await cursor.executemany(_INSERT, list(moments.items()))
        await owner.execute("SELECT setval('event_store.event_position', %s)", [max(moments)])

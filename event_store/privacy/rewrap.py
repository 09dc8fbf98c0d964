"""Wraps the keys of subjects with a new wrapping key, a few at a time; the data that they encrypt stays as it is."""

from collections.abc import Mapping
from pathlib import Path

import orjson

from event_store.privacy.cipher import WrappingKeys
from event_store.privacy.keys import wrapped_key
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("rewrap.sql"))
_BATCH = 500


async def rewrap(conn: Connection, keys: Mapping[str, bytes]) -> int:
    """Wrap all keys with the first of these, as the role paystream_erasure; return how many were wrapped otherwise.

    Each batch is a transaction: stopped, it goes on the next time. Raises UnknownWrappingKey.
    """
    wrapping, count = WrappingKeys(keys), 0
    while True:
        async with conn.transaction():
            cursor = await conn.execute(_SQL.wrapped_otherwise, {"newest": wrapping.newest, "limit": _BATCH})
            rows = await cursor.fetchall()
            again = [wrapping.rewrap(wrapped_key(row)) for row in rows]
            document = [
                {"key_id": str(each.key_id), "wrapped": each.wrapped.hex(), "wrapping_key": each.wrapping_key}
                for each in again
            ]
            await conn.execute(_SQL.save_wrapped, {"keys": orjson.dumps(document).decode()})
        count += len(again)
        if len(again) < _BATCH:
            return count

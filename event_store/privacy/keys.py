"""The keys of subjects in the database, which only those may call for that need personal data in clear."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from domain.ids import KeyId, MerchantId
from event_store.privacy.cipher import WrappedKey
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.personal import Subject

_SQL = Queries.load(Path(__file__).with_name("keys.sql"))


async def ensure_keys(conn: Connection, offered: Sequence[WrappedKey]) -> list[WrappedKey]:
    """Return the key of each subject: the one that it has, or the one that is offered and now stored.

    None for what Stripe tells of an erased payment: see `erased_keys`.
    """
    document = orjson.dumps(
        [
            {
                "key_id": str(each.key_id),
                "merchant_id": each.subject.merchant_id,
                "subject": each.subject.name,
                "wrapped": each.wrapped.hex(),
                "wrapping_key": each.wrapping_key,
            }
            for each in offered
        ]
    )
    cursor = await conn.execute(_SQL.ensure, {"offered": document.decode()})
    return [wrapped_key(row) for row in await cursor.fetchall()]


async def find_keys(conn: Connection, key_ids: Collection[UUID]) -> list[WrappedKey]:
    """Return those of the keys that are there and were not destroyed."""
    cursor = await conn.execute(_SQL.find, {"key_ids": list(key_ids)})
    return [wrapped_key(row) for row in await cursor.fetchall()]


async def erased_keys(conn: Connection, subjects: Collection[Subject]) -> dict[Subject, KeyId]:
    """Return those of the subjects that get no key any more, with the id of a key that was destroyed."""
    cursor = await conn.execute(_SQL.erased, subject_columns(subjects))
    return {
        Subject(merchant_id=MerchantId(merchant_id), name=subject): KeyId(key_id)
        for merchant_id, subject, key_id in await cursor.fetchall()
    }


async def burned_keys(conn: Connection, key_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the keys that were destroyed, as the log tells: nobody needs the keys themselves for that."""
    cursor = await conn.execute(_SQL.burned, {"key_ids": list(key_ids)})
    return {row[0] for row in await cursor.fetchall()}


def subject_columns(subjects: Collection[Subject]) -> dict[str, list[str]]:
    """Return the parameters of a query about these subjects."""
    return {"merchant_ids": [each.merchant_id for each in subjects], "subjects": [each.name for each in subjects]}


def wrapped_key(row: Sequence[Any]) -> WrappedKey:
    """Read a key from its columns."""
    key_id, merchant_id, subject, wrapped, wrapping_key = row
    return WrappedKey(
        key_id=KeyId(key_id),
        subject=Subject(merchant_id=MerchantId(merchant_id), name=subject),
        wrapped=bytes(wrapped),
        wrapping_key=wrapping_key,
    )

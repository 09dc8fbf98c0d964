"""Finds the payments that events are about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from consumers.webhooks.handled import Reference
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("payments.sql"))


async def find_owners(conn: Connection, abouts: Sequence[Reference | None]) -> dict[str, UUID]:
    """Return whose the intents are, as far as it was noted."""
    intent_ids = {each.intent_id for each in abouts if each and each.intent_id}
    if not intent_ids:
        return {}
    cursor = await conn.execute(_SQL.find_payments, {"intent_ids": list(intent_ids)})
    return dict(await cursor.fetchall())


def payment_id_of(about: Reference | None, owners: Mapping[str, UUID]) -> UUID | None:
    """Return the payment, if it exists: what we noted ourselves counts for more than metadata."""
    if about is None:
        return None
    noted = owners.get(about.intent_id) if about.intent_id else None
    return noted or about.payment_id


async def are_calls_under_way(conn: Connection, abouts: Sequence[Reference | None]) -> bool:
    """Return whether a call of ours, which changes one of these payments, has no recorded answer yet."""
    owners = await find_owners(conn, abouts)
    payment_ids = {payment_id for each in abouts if (payment_id := payment_id_of(each, owners))}
    if not payment_ids:
        return False
    cursor = await conn.execute(_SQL.calls_under_way, {"payment_ids": list(payment_ids)})
    row = await cursor.fetchone()
    return row is not None and bool(row[0])

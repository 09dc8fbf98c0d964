"""Finds the payments that events are about, and whether calls for them are in flight."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from consumers.stripe.translate.events import Reference
from domain.ids import PaymentId, StripeIntentId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("lookup.sql"))


async def payments_of_intents(
    conn: Connection, references: Sequence[Reference | None]
) -> dict[StripeIntentId, PaymentId]:
    """Return the payment of each intent that is in the index of intents."""
    intent_ids = {each.intent_id for each in references if each and each.intent_id}
    if not intent_ids:
        return {}
    cursor = await conn.execute(_SQL.find_payments, {"intent_ids": list(intent_ids)})
    return dict(await cursor.fetchall())


def payment_id_of(reference: Reference | None, payments: Mapping[StripeIntentId, PaymentId]) -> PaymentId | None:
    """Return the payment of an object, if it has one: our own index counts for more than metadata."""
    if reference is None:
        return None
    indexed = payments.get(reference.intent_id) if reference.intent_id else None
    return indexed or reference.payment_id


async def has_calls_in_flight(conn: Connection, references: Sequence[Reference | None]) -> bool:
    """Return whether one of our calls that changes one of these payments has no recorded answer yet."""
    payment_ids = {each.payment_id for each in references if each and each.payment_id}
    intent_ids = {each.intent_id for each in references if each and each.intent_id}
    if not payment_ids | intent_ids:
        return False
    found = {"payment_ids": list(payment_ids), "intent_ids": list(intent_ids)}
    cursor = await conn.execute(_SQL.calls_in_flight, found)
    row = await cursor.fetchone()
    return row is not None and bool(row[0])

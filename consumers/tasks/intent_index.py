"""The index of intents: which payment an intent of Stripe belongs to. Kept in the transaction of the events.

It can be lost without harm to a payment: it is a way to find it, and the log holds what is true.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.ids import PaymentId, StripeIntentId
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("intent_index.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedIntent:
    """A payment intent, and the payment that it belongs to."""

    intent_id: StripeIntentId
    payment_id: PaymentId


async def index_intents(conn: Connection, intents: Sequence[IndexedIntent]) -> set[PaymentId]:
    """Note whose intents these are; return the payments whose intent was asked for before: `find_or_await_intents`."""
    if not intents:
        return set()
    parameters = {
        "intent_ids": [intent.intent_id for intent in intents],
        "payment_ids": [intent.payment_id for intent in intents],
    }
    cursor = await conn.execute(_SQL.index_intents, parameters)
    return {payment_id for payment_id, was_awaited in await cursor.fetchall() if was_awaited}


async def find_or_await_intents(
    conn: Connection, intent_ids: Collection[StripeIntentId]
) -> dict[StripeIntentId, PaymentId]:
    """Return whose the intents are. Who notes one of the others later is told that it was asked for."""
    if not intent_ids:
        return {}
    cursor = await conn.execute(_SQL.find_or_await_intents, {"intent_ids": list(intent_ids)})
    return {intent_id: payment_id for intent_id, payment_id in await cursor.fetchall() if payment_id is not None}

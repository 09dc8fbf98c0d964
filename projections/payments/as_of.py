"""A payment as it was: its row folded from the log up to a version, a position or a moment."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import orjson

from domain.ids import MerchantId, PaymentId
from event_store.replay.moments import position_at
from event_store.store import load
from infra.postgres.pool import Connection
from projections.events import DecodedEvent
from projections.payments.mapping import fold
from projections.payments.read import StoredPayment
from projections.payments.rows import PaymentRow
from schemas.envelope import RecordedEvent
from schemas.personal.encrypted import ENCRYPTED

_AS_JSON = ("metadata", "refunds", "last_error", "next_action", "dispute", "contradictions")


@dataclass(frozen=True, kw_only=True, slots=True)
class AsOf:
    """A place in a payment's history: one of these, or none for its end. Each is inclusive.

    A moment is taken by the log's order (`event_store.replay.moments`).
    """

    version: int | None = None
    position: int | None = None
    moment: datetime | None = None


async def load_events(conn: Connection, payment_id: PaymentId, as_of: AsOf) -> list[RecordedEvent]:
    """Return a payment's events up to there; none when it did not exist yet."""
    position = as_of.position if as_of.moment is None else await position_at(conn, as_of.moment)
    return await load(conn, payment_id, up_to_version=as_of.version, up_to_position=position)


async def find_as_of(
    conn: Connection, *, merchant_id: MerchantId, payment_id: PaymentId, as_of: AsOf
) -> StoredPayment | None:
    """Return a merchant's payment as it was there, or None when it did not exist, or is another merchant's.

    Raises SchemaError for an event that cannot be read.
    """
    events = await load_events(conn, payment_id, as_of)
    if not events or events[0].category != "payment":
        return None
    row = fold(map(DecodedEvent.of, events))
    return None if row is None or row.merchant_id != merchant_id else _stored(row)


def is_encrypted(stored: StoredPayment) -> bool:
    """Whether personal data of a payment as it was cannot be read: what the read model knows of it has to be shown."""
    return ENCRYPTED in (stored.description, *orjson.loads(stored.metadata).values())


def with_personal_data_of(stored: StoredPayment, now: StoredPayment | None) -> StoredPayment:
    """Return a payment as it was with what is known now of its user: that never changes, unless it is erased.

    Who reads the log has no keys; the read model has it in clear.
    """
    if now is None or now.payment_id != stored.payment_id:
        return stored
    return replace(stored, description=now.description, metadata=now.metadata)


def _stored(row: PaymentRow) -> StoredPayment:
    found: dict[str, Any] = {each.name: getattr(row, each.name) for each in fields(StoredPayment)}
    for name in _AS_JSON:
        if found[name] is not None:
            found[name] = orjson.dumps(found[name]).decode()
    return StoredPayment(**found)

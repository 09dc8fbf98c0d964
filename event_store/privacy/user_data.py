"""Finds what the log has of a user: the streams, and the ids by which Stripe tells of them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from domain.saga.status import ENDED
from event_store.archive.one_log import OneLog
from event_store.payments import PAYMENT
from event_store.split_payments import SPLIT_PAYMENT
from event_store.store import event_row, load_many
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError
from schemas.events import PAYMENT_CODEC
from schemas.events.stripe_events import CATEGORY as STRIPE_EVENT
from schemas.personal import Subject
from schemas.personal.encrypted import EncryptedValue, replaced

SQL = Queries.load(Path(__file__).with_name("erase.sql"))

_BATCH = 200
_IDS = frozenset(
    {"intent_id", "charge_id", "stripe_refund_id", "dispute_id", "attempt_id", "customer", "payment_method"}
)

_OBJECT = ("payload", "data", "object")
_PLACES_OF_IDS = (
    ("object_id",),
    (*_OBJECT, "payment_intent"),
    (*_OBJECT, "charge"),
    (*_OBJECT, "metadata", "paystream_payment_id"),
)


@dataclass(slots=True)
class UserData:
    """What there is of a user. `references` are ids of Stripe, and ours that Stripe's objects carry."""

    subject: Subject
    payments: list[UUID] = field(default_factory=list)
    split_payments: list[UUID] = field(default_factory=list)
    references: set[str] = field(default_factory=set)
    key_ids: set[UUID] = field(default_factory=set)
    """Of the keys that the streams' own events need, whether they are there or were lost."""
    under_way: list[UUID] = field(default_factory=list)
    """Those of which Stripe is yet to be told, or whose saga has not ended."""
    unreadable: list[str] = field(default_factory=list)
    """Events that cannot be read, each with the reason: whether their streams are under way cannot be told."""

    @property
    def streams(self) -> list[UUID]:
        """All of them."""
        return [*self.payments, *self.split_payments]

    @property
    def subjects(self) -> list[Subject]:
        """All subjects whose keys encrypt what is of the user."""
        return [self.subject, *(Subject.stripe(each) for each in sorted(self.references))]


async def find_user_data(conn: Connection, subject: Subject, *, after: int = 0) -> UserData:
    """Read the whole log behind a position for a user, and the streams that were found."""
    found = UserData(subject=subject)
    parameters = {"merchant_id": subject.merchant_id, "user_id": subject.user_id, "after": after}
    for stream_id, category in await (await conn.execute(SQL.streams_of_user, parameters)).fetchall():
        (found.payments if category == PAYMENT_CODEC.category else found.split_payments).append(stream_id)
    for batch in batches(found.streams):
        for stream_id, events in (await load_many(conn, batch)).items():
            _add(found, stream_id, events)
    return found


def batches(stream_ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    """Give them a few at a time."""
    for start in range(0, len(stream_ids), _BATCH):
        yield stream_ids[start : start + _BATCH]


async def stripe_events_of(conn: Connection, references: Collection[str]) -> list[RecordedEvent]:
    """Return what Stripe told of these ids. Reads the whole log."""
    if not references:
        return []
    async with conn.cursor(row_factory=event_row) as cursor:
        await cursor.execute(SQL.stripe_events_of, {"references": sorted(references)})
        return await cursor.fetchall()


async def archived_stripe_events_of(log: OneLog, references: Collection[str]) -> list[RecordedEvent]:
    """Return what Stripe told of these ids, of what is archived and has left the log. Reads all of that."""
    known = frozenset(references)
    return [
        event
        async for event in log.left_of(STRIPE_EVENT, known)
        if not known.isdisjoint(ids_named(orjson.loads(event.data)))
    ]


def ids_named(data: dict[str, Any]) -> Iterator[str]:
    """Give the ids of what Stripe told about, where `stripe_events_of` looks for them. Any part may be encrypted."""
    for path in _PLACES_OF_IDS:
        value: Any = data
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str):
            yield value


def _add(found: UserData, stream_id: UUID, events: Sequence[RecordedEvent]) -> None:
    found.key_ids |= _keys_of_user(orjson.loads(events[0].data), found.subject)
    if events[0].category == PAYMENT_CODEC.category:
        found.references.add(str(stream_id))
        for event in events:
            found.references.update(_stripe_ids(orjson.loads(event.data)))
    try:
        if _is_under_way(events):
            found.under_way.append(stream_id)
    except SchemaError as error:
        found.unreadable.append(error.explanation)


def _is_under_way(events: Sequence[RecordedEvent]) -> bool:
    """Whether Stripe is yet to be told of a payment, or a saga has not ended. Raises SchemaError."""
    if events[0].category == PAYMENT_CODEC.category:
        payment = PAYMENT.load(events).state
        return payment is not None and payment.intent_id is None and not payment.is_terminal
    split = SPLIT_PAYMENT.load(events).state
    return split is not None and split.saga_status not in ENDED


def _keys_of_user(data: dict[str, Any], subject: Subject) -> set[UUID]:
    """Return the keys of a user in the first event of a payment or split payment, which may have others' as well."""
    key_ids: set[UUID] = set()

    def note(value: EncryptedValue, pointer: str) -> None:
        _, first, *rest = pointer.split("/")
        holder = data["legs"][int(rest[0])] if first == "legs" else data
        if holder["user_id"] == subject.user_id:
            key_ids.add(value.key_id)

    replaced(data, note)
    return key_ids


def _stripe_ids(data: dict[str, Any]) -> Iterator[str]:
    """Give Stripe's ids in an event of a payment, by the names of their fields: other texts are the merchant's."""
    for holder in (data, *data.get("refunds", ())):
        yield from (value for name, value in holder.items() if name in _IDS and isinstance(value, str))

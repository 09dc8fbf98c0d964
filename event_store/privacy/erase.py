"""Erases the personal data of a user: destroys the keys, and says so in the log and in each of the user's streams.

The order is what makes it safe to be killed at any point: with the keys goes, in the same transaction, the receipt.
What is left to do then is found again by doing the same once more.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
import structlog

from domain.ids import ErasureId, KeyId, MerchantId, UserId
from domain.personal_data import PersonalDataErased
from domain.privacy import KeyDestroyed, PrivacyEvent, UserErased, UserExported
from event_store.appends import NO_STREAM, Append, Appended
from event_store.decide import StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.payments import PAYMENT
from event_store.privacy.keys import burned_keys, subject_columns
from event_store.privacy.user_data import SQL, UserData, batches, find_user_data
from event_store.split_payments import SPLIT_PAYMENT
from event_store.store import append, load, load_many
from event_store.streams import Aggregate, LoadedStream
from infra.errors import InfraError
from infra.ids import uuid7
from infra.postgres.pool import Connection
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import PRIVACY_CODEC
from schemas.events.privacy_events import stream_id_of
from schemas.events.registry import BY_NAME
from schemas.personal import Subject
from schemas.personal.encrypted import ERASED, EncryptedValue, key_ids, replaced

log = structlog.get_logger(__name__)

_KEYS_PER_CALL = 500
_KEYS_PER_RECEIPT = 10_000
"""An event has a largest size (event_store.appends.MAX_EVENT_BYTES), and each payment of a user has several keys."""
_TRIES = 5


class ErasureRefused(InfraError):
    """It is not done now; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Whose data is to be erased or handed out, by whom and why."""

    subject: Subject
    actor: str
    reason: str

    @property
    def metadata(self) -> EventMetadata:
        """What surrounds its events."""
        actor = self.actor if self.actor.startswith("api:") else f"operator:{self.actor}"
        return EventMetadata(correlation_id=str(uuid7()), actor=actor, merchant_id=self.subject.merchant_id)

    @property
    def merchant_id(self) -> MerchantId:
        """Whose user it is."""
        return self.subject.merchant_id

    @property
    def user_id(self) -> UserId:
        """The user."""
        assert self.subject.user_id is not None
        return self.subject.user_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What an erasure did and could not do."""

    receipt: UserErased
    position: int
    """Of the receipt."""
    streams: int
    """How many say now that data of theirs was erased."""
    found: UserData


async def erase(
    conn: Connection, order: Order, *, metadata_keys: Collection[str], force: bool = False, forgotten_after_s: float = 0
) -> Erased:
    """Erase a user, as the role paystream_erasure, on a connection in autocommit.

    Until `forgotten_after_s` a process may know a key and use it: what it wrote meanwhile is marked as well. Raises
    ErasureRefused while payments are under way, unless `force`.
    """
    found = await find_user_data(conn, order.subject)
    if found.under_way and not force:
        ids = ", ".join(str(each) for each in found.under_way[:5])
        raise ErasureRefused(
            f"{len(found.under_way)} payments of this user are under way ({ids}): a call to Stripe would go on with "
            "other data than it began with. Remedy: wait until they are through, or --force"
        )
    if found.unreadable and not force:
        raise ErasureRefused(
            f"whether payments of this user are under way cannot be told: {found.unreadable[0]}. "
            "Remedy: use the release that recorded it, or --force"
        )
    in_clear = await _count_in_clear(conn, found, metadata_keys)
    erasure_id = ErasureId(uuid7())
    for _ in range(_TRIES):
        done = await _destroy(conn, order, found, erasure_id, in_clear)
        if done is not None:
            break
    else:
        raise ErasureRefused("somebody else erases or exports this user at this moment: try again")
    receipt, position = done
    streams = await _mark_streams(conn, order, found, erasure_id, metadata_keys)
    if forgotten_after_s:
        await asyncio.sleep(forgotten_after_s)
        later = await find_user_data(conn, order.subject, after=position)
        streams += await _mark_streams(conn, order, later, erasure_id, metadata_keys)
        await _erase_webhook_answers(conn, found)  # to webhooks that were under way
        await _erase_webhook_answers(conn, later)
    log.info("user_erased", erasure_id=str(erasure_id), keys=len(receipt.keys), streams=streams)
    return Erased(receipt=receipt, position=position, streams=streams, found=found)


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasurePreview:
    """What an erasure would do now. `in_clear`: events that it cannot reach in the log."""

    found: UserData
    in_clear: int


async def preview(conn: Connection, subject: Subject, *, metadata_keys: Collection[str]) -> ErasurePreview:
    """Return what an erasure would find. Changes nothing, and reads the whole log as the erasure does."""
    found = await find_user_data(conn, subject)
    return ErasurePreview(found=found, in_clear=await _count_in_clear(conn, found, metadata_keys))


async def record_export(conn: Connection, order: Order, *, events: int) -> int:
    """Record that a user's data is handed out, before it is; return the position. Raises ErasureRefused."""
    exported = UserExported(
        merchant_id=order.merchant_id, user_id=order.user_id, actor=order.actor, reason=order.reason, events=events
    )
    for _ in range(_TRIES):
        stream_id = stream_id_of(order.subject)
        version = len(await load(conn, stream_id))
        (result,) = await append(conn, [_append(stream_id, version, exported, order.metadata)])
        if isinstance(result, Appended):
            return result.position
    raise ErasureRefused("somebody else erases or exports this user at this moment: try again")


async def _destroy(
    conn: Connection, order: Order, found: UserData, erasure_id: ErasureId, in_clear: int
) -> tuple[UserErased, int] | None:
    """Remove the keys and record it, in one transaction; None: another writer was faster, and nothing was done."""
    metadata, subjects = order.metadata, found.subjects
    async with conn.transaction() as transaction:
        later_key, held = await _erase_stripe_subjects(conn, [each for each in subjects if each.user_id is None])
        rows = await (await conn.execute(SQL.take_keys, subject_columns(subjects))).fetchall()
        taken = {key_id for (key_id,) in rows} - held
        others = await _keys_of_others(conn, found.key_ids - taken)
        every_key = taken | later_key | found.key_ids - others  # one that was lost may come back with a backup
        burned = await burned_keys(conn, every_key) if every_key else set()
        keys = tuple(KeyId(key_id) for key_id in sorted(every_key - burned))
        webhook_answers = await _erase_webhook_answers(conn, found)
        receipt = UserErased(
            erasure_id=erasure_id,
            merchant_id=order.merchant_id,
            user_id=order.user_id,
            actor=order.actor,
            reason=order.reason,
            keys=keys,
            payments=len(found.streams),
            in_clear=in_clear,
            webhook_answers=webhook_answers,
        )
        burning = [
            _append(each, NO_STREAM, KeyDestroyed(key_id=each, erasure_id=erasure_id), metadata) for each in keys
        ]
        results = []
        for start in range(0, len(burning), _KEYS_PER_CALL):
            results += await append(conn, burning[start : start + _KEYS_PER_CALL])
        stream_id = stream_id_of(order.subject)
        version = len(await load(conn, stream_id))
        receipts = Append.of(
            PRIVACY_CODEC, _parts(receipt), stream_id=stream_id, expected_version=version, metadata=metadata
        )
        results += await append(conn, [receipts])
        if all(isinstance(each, Appended) for each in results) and isinstance(last := results[-1], Appended):
            return receipt, last.position
        transaction.force_rollback = True
    return None


def _parts(receipt: UserErased) -> Sequence[UserErased]:
    """Return the receipt as several where it has more keys than an event holds; what it counts is in the first."""
    keys = [receipt.keys[start : start + _KEYS_PER_RECEIPT] for start in range(0, len(receipt.keys), _KEYS_PER_RECEIPT)]
    first, *others = keys or [()]
    rest = replace(receipt, payments=0, in_clear=0, webhook_answers=0)
    return [replace(receipt, keys=first), *(replace(rest, keys=each) for each in others)]


async def _erase_webhook_answers(conn: Connection, found: UserData) -> int:
    """Take away what endpoints answered to webhooks of the user's payments; return how many answers."""
    row = await (await conn.execute(SQL.erase_webhook_answers, {"payment_ids": list(found.streams)})).fetchone()
    assert row is not None
    return int(row[0])


async def _keys_of_others(conn: Connection, key_ids: Collection[UUID]) -> set[UUID]:
    """Return those that are there still, once those of the erased subjects were taken.

    A text in an event may name any key: who wrote it before texts that look encrypted were refused gets none destroyed.
    """
    cursor = await conn.execute(SQL.keys_there, {"key_ids": list(key_ids)})
    return {key_id for (key_id,) in await cursor.fetchall()}


async def _erase_stripe_subjects(conn: Connection, subjects: Collection[Subject]) -> tuple[set[UUID], set[UUID]]:
    """Note that subjects get no key any more, and hold the places of keys that they lack.

    Return the id that what Stripe tells of them later names, which is yet to be burned (none: all were erased before);
    and the ids of the rows that hold a place.
    """
    later_key = uuid7()
    cursor = await conn.execute(SQL.erase_subjects, {"key_id": later_key, **subject_columns(subjects)})
    erased_now = [Subject(merchant_id=MerchantId(row[0]), name=row[1]) for row in await cursor.fetchall()]
    if not erased_now:
        return set(), set()
    cursor = await conn.execute(SQL.hold_subjects, subject_columns(erased_now))
    return {later_key}, {key_id for (key_id,) in await cursor.fetchall()}


async def _mark_streams(
    conn: Connection, order: Order, found: UserData, erasure_id: ErasureId, metadata_keys: Collection[str]
) -> int:
    """Append to each stream what was erased of it; return how many had something. Again, it finds nothing to do."""
    marked = 0
    kinds: Sequence[tuple[Aggregate[Any, Any], Sequence[UUID]]] = (
        (_passing_over_unread(PAYMENT), found.payments),
        (_passing_over_unread(SPLIT_PAYMENT), found.split_payments),
    )
    for aggregate, stream_ids in kinds:
        for batch in batches(stream_ids):
            needed = await _first_keys(conn, batch)
            burned = await burned_keys(conn, needed) if needed else set()
            decide = _decide(order.subject, erasure_id, burned, metadata_keys)
            commands = [StreamCommand(stream_id=each, metadata=order.metadata, decide=decide) for each in batch]
            async with conn.transaction():
                results = await decide_and_append(ConnectionLog(conn), aggregate, commands)
            marked += sum(bool(each.events) for each in results.values())
    return marked


def _passing_over_unread(aggregate: Aggregate[Any, Any]) -> Aggregate[Any, Any]:
    """Return how its streams are read here: what is erased of one does not depend on its state."""
    return replace(aggregate, evolve_unread=lambda state: state)


async def _first_keys(conn: Connection, stream_ids: Sequence[UUID]) -> set[UUID]:
    streams = await load_many(conn, stream_ids, up_to_version=1)
    return set[UUID]().union(*(key_ids(events[0].data) for events in streams.values()))


def _decide(
    subject: Subject, erasure_id: ErasureId, burned: Collection[UUID], metadata_keys: Collection[str]
) -> Callable[[LoadedStream[Any]], Sequence[PersonalDataErased]]:
    def decide(loaded: LoadedStream[Any]) -> Sequence[PersonalDataErased]:
        fields = _erased_fields(loaded.events[0], subject, burned, metadata_keys) - _known(loaded.events)
        return [PersonalDataErased(erasure_id=erasure_id, fields=tuple(sorted(fields)))] if fields else []

    return decide


def _erased_fields(
    first: RecordedEvent, subject: Subject, burned: Collection[UUID], metadata_keys: Collection[str]
) -> set[str]:
    """Return where the event has values of burned keys, and values of the user in clear."""
    fields = set(personal_in_clear(first, subject, metadata_keys))

    def note(value: EncryptedValue, pointer: str) -> str:
        if value.key_id in burned:
            fields.add(pointer)
        return ERASED

    replaced(orjson.loads(first.data), note)
    return fields


def personal_in_clear(event: RecordedEvent, subject: Subject, metadata_keys: Collection[str]) -> Iterable[str]:
    """Return where an event has values of a subject in clear: it was recorded before they were encrypted."""
    event_type = BY_NAME.get(event.type)
    if event_type is None or event_type.personal is None:
        return []
    values = event_type.personal.find(orjson.loads(event.data), metadata_keys)
    return [each.pointer for each in values if each.subject == subject and EncryptedValue.parse(each.value) is None]


def _known(events: Sequence[RecordedEvent]) -> set[str]:
    erased = (orjson.loads(each.data)["fields"] for each in events if each.type.endswith(".personal_data_erased"))
    return set[str]().union(*erased)


async def _count_in_clear(conn: Connection, found: UserData, metadata_keys: Collection[str]) -> int:
    count = 0
    for batch in batches(found.streams):
        streams = await load_many(conn, batch, up_to_version=1)
        count += sum(bool(personal_in_clear(events[0], found.subject, metadata_keys)) for events in streams.values())
    return count


def _append(stream_id: UUID, version: int, event: PrivacyEvent, metadata: EventMetadata) -> Append:
    return Append.of(PRIVACY_CODEC, [event], stream_id=stream_id, expected_version=version, metadata=metadata)

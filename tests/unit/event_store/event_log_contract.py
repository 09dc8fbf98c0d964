"""What every `EventLog` must do, in memory or on PostgreSQL."""

import uuid
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Protocol

from domain.ids import EventId, MerchantId, PaymentId
from domain.payment.decide import decide
from event_store.appends import (
    Append,
    Appended,
    ForeignStripeId,
    IdempotencyRecord,
    StoredResponse,
    VersionConflict,
)
from event_store.event_log import EventLog
from event_store.group_commit import Appender
from schemas.events import PAYMENT_CODEC
from tests.support.log_entries import MERCHANT, metadata
from tests.support.payment_histories import request_payment


class AppendingLog(Appender, EventLog, Protocol):
    """A log that also takes appends one by one."""


def opening(payment_id: PaymentId, key: str | None, *, version: int = 0, fingerprint: str = "f") -> Append:
    (requested,) = decide(None, request_payment(payment_id))
    return Append(
        stream_id=payment_id,
        category="payment",
        merchant_id=MERCHANT,
        expected_version=version,
        events=(PAYMENT_CODEC.encode(requested, event_id=EventId(uuid.uuid4()), metadata=metadata()),),
        idempotency=None
        if key is None
        else IdempotencyRecord(key=key, fingerprint=fingerprint, status=201, response=b'{"z":1,"a":2}'),
    )


class EventLogContract(ABC):
    @abstractmethod
    def store(self) -> AppendingLog:
        """Return an empty one."""

    async def test_an_appended_payment_and_its_response_are_found(self) -> None:
        store, payment_id = self.store(), PaymentId(uuid.uuid4())
        result = await store.append(opening(payment_id, "k-1"))
        assert isinstance(result, Appended)
        assert result.version == 1
        found = await store.load_with_response(payment_id, MERCHANT, "k-1")
        assert [(event.version, event.position) for event in found.events] == [(1, result.position)]
        other = PaymentId(uuid.uuid4())
        loaded = await store.load_many([payment_id, other])
        assert {each: list(events) for each, events in loaded.items()} == {payment_id: list(found.events), other: []}
        assert list(await store.load_as_of(result.position)) == list(found.events)
        answer = StoredResponse(fingerprint="f", status=201, response=b'{"z":1,"a":2}', position=result.position)
        assert found.response == await store.find_response(MERCHANT, "k-1") == answer

    async def test_a_known_key_is_answered_before_a_conflict_and_writes_nothing(self) -> None:
        store, payment_id = self.store(), PaymentId(uuid.uuid4())
        await store.append(opening(payment_id, "k-1"))
        for other in (payment_id, PaymentId(uuid.uuid4())):
            seen = await store.append(opening(other, "k-1", fingerprint="other"))
            assert isinstance(seen, StoredResponse)
            assert seen.fingerprint == "f"
        assert not (await store.load_with_response(other, MERCHANT, "k-1")).events

    async def test_a_conflict_tells_the_version_and_leaves_the_key_free(self) -> None:
        store, payment_id = self.store(), PaymentId(uuid.uuid4())
        await store.append(opening(payment_id, None))
        assert await store.append(opening(payment_id, "k-2")) == VersionConflict(actual_version=1)
        assert await store.append(opening(payment_id, "k-2", version=5)) == VersionConflict(actual_version=1)
        assert await store.find_response(MERCHANT, "k-2") is None

    async def test_a_response_without_events_is_stored_at_its_version(self) -> None:
        store, payment_id = self.store(), PaymentId(uuid.uuid4())
        opened = await store.append(opening(payment_id, None))
        assert isinstance(opened, Appended)
        record = IdempotencyRecord(key="k-2", fingerprint="f", status=202, response=b'{"z":1,"a":2}')
        assert await store.store_response(payment_id, MERCHANT, 1, record) is None
        stored = StoredResponse(fingerprint="f", status=202, response=b'{"z":1,"a":2}', position=opened.position)
        assert await store.find_response(MERCHANT, "k-2") == stored
        other = replace(record, fingerprint="other", response=b"{}")
        assert await store.store_response(payment_id, MERCHANT, 1, other) == stored
        assert await store.append(opening(PaymentId(uuid.uuid4()), "k-2")) == stored
        assert await store.find_response(MerchantId("another merchant"), "k-2") is None

    async def test_a_key_of_an_append_is_not_stored_anew(self) -> None:
        store, payment_id = self.store(), PaymentId(uuid.uuid4())
        await store.append(opening(payment_id, "k-1"))
        record = IdempotencyRecord(key="k-1", fingerprint="other", status=202, response=b"{}")
        seen = await store.store_response(payment_id, MERCHANT, 1, record)
        assert seen is not None
        assert (seen.fingerprint, seen.status) == ("f", 201)

    async def test_an_id_of_stripe_is_the_merchants_that_used_it_first(self) -> None:
        store, ids = self.store(), frozenset({"cus_1", "pm_1"})
        first = replace(opening(PaymentId(uuid.uuid4()), None), stripe_ids=ids)
        assert isinstance(await store.append(first), Appended)
        again = replace(opening(PaymentId(uuid.uuid4()), "k-1"), stripe_ids=frozenset({"pm_1"}))
        assert isinstance(await store.append(again), Appended)
        other, payment_id = MerchantId("another merchant"), PaymentId(uuid.uuid4())
        foreign = replace(
            opening(payment_id, "k-2"), merchant_id=other, stripe_ids=frozenset({"cus_1", "pm_of_their_own"})
        )
        assert await store.append(foreign) == ForeignStripeId()
        found = await store.load_with_response(payment_id, other, "k-2")
        assert (list(found.events), found.response) == ([], None)
        own = replace(opening(PaymentId(uuid.uuid4()), None), stripe_ids=frozenset({"pm_of_their_own"}))
        assert isinstance(await store.append(own), Appended), "a refused request makes nothing its merchant's"

    async def test_nothing_is_found_of_what_is_not_there(self) -> None:
        found = await self.store().load_with_response(uuid.uuid4(), MERCHANT, "k-1")
        assert (list(found.events), found.response) == ([], None)

"""What every implementation of the command API's protocols must do, in memory or for real."""

import uuid
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Protocol

from command_api.answer_cache import AnswerCache, Claim, InFlight
from command_api.payment_log import PaymentLog
from domain.payment.decide import decide
from event_store.appends import AlreadySeen, Append, Appended, IdempotencyRecord, VersionConflict
from event_store.group_commit import Appender
from schemas.events import PAYMENT_CODEC
from tests.support.log_entries import MERCHANT, metadata
from tests.support.payment_histories import request_payment

ANSWER = AlreadySeen(fingerprint="f", status=201, response=b'{"id":"1"}', position=7)


class EventStore(Appender, PaymentLog, Protocol):
    """Both sides of the event store that the command API uses."""


def opening(payment_id: uuid.UUID, key: str | None, *, version: int = 0, fingerprint: str = "f") -> Append:
    (requested,) = decide(None, request_payment(payment_id))
    return Append(
        stream_id=payment_id,
        category="payment",
        merchant_id=MERCHANT,
        expected_version=version,
        events=(PAYMENT_CODEC.encode(requested, event_id=uuid.uuid4(), metadata=metadata()),),
        idempotency=None
        if key is None
        else IdempotencyRecord(key=key, fingerprint=fingerprint, status=201, response=b'{"z":1,"a":2}'),
    )


class EventStoreContract(ABC):
    @abstractmethod
    def store(self) -> EventStore:
        """Return an empty one."""

    async def test_an_appended_payment_and_its_answer_are_found(self) -> None:
        store, payment_id = self.store(), uuid.uuid4()
        result = await store.append(opening(payment_id, "k-1"))
        assert isinstance(result, Appended)
        assert result.version == 1
        found = await store.look_up(payment_id, MERCHANT, "k-1")
        assert found.payment.state is not None
        assert (found.payment.version, found.payment.events[-1].position) == (1, result.position)
        assert await store.load(payment_id) == found.payment
        assert (await store.load(uuid.uuid4())).state is None
        answer = AlreadySeen(fingerprint="f", status=201, response=b'{"z":1,"a":2}', position=result.position)
        assert found.answer == await store.find_answer(MERCHANT, "k-1") == answer

    async def test_a_known_key_is_answered_before_a_conflict_and_writes_nothing(self) -> None:
        store, payment_id = self.store(), uuid.uuid4()
        await store.append(opening(payment_id, "k-1"))
        for other in (payment_id, uuid.uuid4()):
            seen = await store.append(opening(other, "k-1", fingerprint="other"))
            assert isinstance(seen, AlreadySeen)
            assert seen.fingerprint == "f"
        assert (await store.look_up(other, MERCHANT, "k-1")).payment.state is None

    async def test_a_conflict_tells_the_version_and_leaves_the_key_free(self) -> None:
        store, payment_id = self.store(), uuid.uuid4()
        await store.append(opening(payment_id, None))
        assert await store.append(opening(payment_id, "k-2")) == VersionConflict(actual_version=1)
        assert await store.append(opening(payment_id, "k-2", version=5)) == VersionConflict(actual_version=1)
        assert await store.find_answer(MERCHANT, "k-2") is None

    async def test_an_answer_without_events_is_remembered_at_its_version(self) -> None:
        store, payment_id = self.store(), uuid.uuid4()
        opened = await store.append(opening(payment_id, None))
        assert isinstance(opened, Appended)
        record = IdempotencyRecord(key="k-2", fingerprint="f", status=202, response=b'{"z":1,"a":2}')
        assert await store.remember(payment_id, MERCHANT, 1, record) is None
        stored = AlreadySeen(fingerprint="f", status=202, response=b'{"z":1,"a":2}', position=opened.position)
        assert await store.find_answer(MERCHANT, "k-2") == stored
        other = replace(record, fingerprint="other", response=b"{}")
        assert await store.remember(payment_id, MERCHANT, 1, other) == stored
        assert await store.append(opening(uuid.uuid4(), "k-2")) == stored
        assert await store.find_answer("another merchant", "k-2") is None

    async def test_a_key_of_an_append_is_not_remembered_anew(self) -> None:
        store, payment_id = self.store(), uuid.uuid4()
        await store.append(opening(payment_id, "k-1"))
        record = IdempotencyRecord(key="k-1", fingerprint="other", status=202, response=b"{}")
        seen = await store.remember(payment_id, MERCHANT, 1, record)
        assert seen is not None
        assert (seen.fingerprint, seen.status) == ("f", 201)

    async def test_nothing_is_found_of_what_is_not_there(self) -> None:
        found = await self.store().look_up(uuid.uuid4(), MERCHANT, "k-1")
        assert (found.payment.state, found.payment.version, found.answer) == (None, 0, None)


class AnswerCacheContract(ABC):
    @abstractmethod
    def cache(self) -> AnswerCache:
        """Return an empty one."""

    async def test_a_key_is_claimed_once_until_it_is_released(self) -> None:
        cache = self.cache()
        claim = await cache.claim(MERCHANT, "k-1")
        assert isinstance(claim, Claim)
        assert claim.token is not None
        assert await cache.claim(MERCHANT, "k-1") == InFlight()
        assert isinstance(await cache.claim("other", "k-1"), Claim)
        await cache.release(claim)
        assert isinstance(await cache.claim(MERCHANT, "k-1"), Claim)

    async def test_only_the_holder_releases(self) -> None:
        cache = self.cache()
        claim = await cache.claim(MERCHANT, "k-1")
        assert isinstance(claim, Claim)
        await cache.release(Claim(name=claim.name, token=b"?another"))
        await cache.release(Claim(name=claim.name, token=None))
        assert await cache.claim(MERCHANT, "k-1") == InFlight()

    async def test_a_kept_answer_is_given_and_cannot_be_released(self) -> None:
        cache = self.cache()
        claim = await cache.claim(MERCHANT, "k-1")
        assert isinstance(claim, Claim)
        await cache.keep(claim, ANSWER)
        await cache.release(claim)
        assert await cache.claim(MERCHANT, "k-1") == ANSWER

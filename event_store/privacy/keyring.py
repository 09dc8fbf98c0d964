"""The keys that a process knows: fetched for all who wait at the same moment, and kept for seconds."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import UUID

import structlog

from domain.ids import KeyId
from event_store.group_commit import Batcher
from event_store.privacy import metrics
from event_store.privacy.cipher import DataKey, KeyJustDestroyed, KeysUnavailable, WrappedKey, WrappingKeys
from event_store.privacy.keys import burned_keys, ensure_keys, erased_keys, find_keys
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool
from schemas.personal import Subject

log = structlog.get_logger(__name__)

_MOST_KEYS = 20_000


@dataclass(slots=True)
class KnownKey:
    """A key, or that there is none any more."""

    key: DataKey | None
    """None: it was destroyed."""
    until: float
    subject: Subject | None = None
    missing: bool = False
    """It is not there, and nobody destroyed it."""


class Keyring:
    """Not safe for several event loops."""

    def __init__(self, pool: Pool, wrapping: WrappingKeys, *, cache_s: float, clock: Callable[[], float]) -> None:
        """`pool` is opened when it is first needed."""
        self._pool = pool
        self._wrapping = wrapping
        self._cache_s = cache_s
        self._clock = clock
        self._by_subject: dict[Subject, KnownKey] = {}
        self._by_id: dict[UUID, KnownKey] = {}
        self._ensuring = Batcher[Subject, DataKey](self._ensure, key=lambda subject: subject)
        self._finding = Batcher[UUID, KnownKey](self._find, key=lambda key_id: key_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._ensuring.close()
        await self._finding.close()
        await self._pool.close()

    async def of(self, subjects: Collection[Subject]) -> Mapping[Subject, DataKey]:
        """Return the key of each subject, which is made for one that has none. Raises infra.errors.Unavailable."""
        now = self._clock()
        found: dict[Subject, DataKey] = {}
        for subject in subjects:
            cached = self._by_subject.get(subject)
            if cached is not None and cached.until > now and cached.key is not None:
                found[subject] = cached.key
        lacking = [each for each in subjects if each not in found]
        if lacking:
            keys = await asyncio.gather(*(self._ensuring.submit(each) for each in lacking))
            found |= zip(lacking, keys, strict=True)
        return found

    async def by_id(self, needed: Collection[UUID]) -> Mapping[UUID, KnownKey]:
        """Return what there is of each of these keys. Raises infra.errors.Unavailable."""
        now = self._clock()
        found = {each: cached for each in needed if (cached := self._by_id.get(each)) and cached.until > now}
        lacking = [each for each in needed if each not in found]
        if lacking:
            keys = await asyncio.gather(*(self._finding.submit(each) for each in lacking))
            found |= zip(lacking, keys, strict=True)
        return found

    async def _ensure(self, subjects: Sequence[Subject]) -> Sequence[DataKey | Exception]:
        offered = [self._wrapping.new_key(KeyId(uuid7()), each) for each in subjects]
        began = self._clock()
        async with await self._connection() as conn:
            stored = await ensure_keys(conn, offered)
            lacking = set(subjects) - {each.subject for each in stored}
            erased = await erased_keys(conn, lacking) if lacking else {}
        metrics.KEYS_MADE.inc(len({each.key_id for each in offered} & {each.key_id for each in stored}))
        found: dict[Subject, DataKey | Exception] = {}
        for each in stored:
            found[each.subject] = key = self._unwrapped(each)
            if isinstance(key, DataKey):
                cached = KnownKey(key=key, until=began + self._cache_s, subject=each.subject)
                self._keep(cached, each.key_id)
                self._by_subject[each.subject] = cached
        for subject, key_id in erased.items():
            found[subject] = unkept = DataKey.unkept(key_id)
            self._clear_if_full()
            # Not by its id: whoever reads has to find that it was destroyed.
            self._by_subject[subject] = KnownKey(key=unkept, until=began + self._cache_s, subject=subject)
        return [found.get(each) or KeyJustDestroyed("its user is being erased") for each in subjects]

    async def _find(self, needed: Sequence[UUID]) -> Sequence[KnownKey | Exception]:
        began = self._clock()
        async with await self._connection() as conn:
            stored = await find_keys(conn, needed)
            lacking = set(needed) - {each.key_id for each in stored}
            burned = await burned_keys(conn, lacking) if lacking else set()
        found: dict[UUID, KnownKey | Exception] = {}
        for each in stored:
            key = self._unwrapped(each)
            until = began + self._cache_s
            found[each.key_id] = key if isinstance(key, Exception) else KnownKey(key, until, subject=each.subject)
        for key_id in lacking:
            if key_id not in burned:
                log.error("personal_data_key_missing", key_id=str(key_id))
            found[key_id] = KnownKey(None, began + self._cache_s, missing=key_id not in burned)
        for key_id, cached in found.items():
            if isinstance(cached, KnownKey):
                self._keep(cached, key_id)
        return [found[each] for each in needed]

    def _unwrapped(self, key: WrappedKey) -> DataKey | Exception:
        try:
            return self._wrapping.unwrap(key)
        except KeysUnavailable as error:
            log.error("personal_data_key_unusable", key_id=str(key.key_id), error=str(error))  # noqa: TRY400 - expected
            return error

    async def _connection(self) -> AbstractAsyncContextManager[Connection]:
        if self._pool.closed:
            await self._pool.open()
        return self._pool.connection()

    def _keep(self, cached: KnownKey, key_id: UUID) -> None:
        self._clear_if_full()
        self._by_id[key_id] = cached

    def _clear_if_full(self) -> None:
        if max(len(self._by_id), len(self._by_subject)) >= _MOST_KEYS:
            self._by_id.clear()
            self._by_subject.clear()

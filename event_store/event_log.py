"""What deciding needs of the log: streams, appends, and the responses that are stored under idempotency keys."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from domain.ids import MerchantId
from event_store import store
from event_store.appends import Append, AppendResult, IdempotencyRecord, StoredResponse
from event_store.group_commit import Appender
from event_store.privacy.attached import Decrypting
from event_store.store import Connection
from schemas.envelope import RecordedEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamAndResponse:
    """A stream, and the response stored under a request's key, which is at least as new as the stream."""

    events: Sequence[RecordedEvent]
    response: StoredResponse | None


class EventLog(Protocol):
    """Where commands are decided. What the database raises passes through."""

    async def load_many(self, stream_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RecordedEvent]]:
        """Return the events of each stream; none for a stream that does not exist."""

    async def load_with_response(self, stream_id: UUID, merchant_id: MerchantId, key: str) -> StreamAndResponse:
        """Return a stream and the response that is stored under the key."""

    async def load_as_of(self, position: int) -> Sequence[RecordedEvent]:
        """Return the stream that has its event at a position, up to there."""

    async def find_response(self, merchant_id: MerchantId, key: str) -> StoredResponse | None:
        """Return the response that is stored under the key."""

    async def append_many(self, appends: Sequence[Append]) -> Sequence[AppendResult]:
        """Append, and answer each for itself in the given order."""

    async def store_response(
        self, stream_id: UUID, merchant_id: MerchantId, version: int, record: IdempotencyRecord
    ) -> StoredResponse | None:
        """Store the response to a command that appended nothing; return the stored one if the key is known.

        `version` is the one of the stream that the response reflects.
        """


class ConnectionLog:
    """An `EventLog` in a caller's transaction, which the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load_many(self, stream_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RecordedEvent]]:
        """Load all of them in one round trip."""
        return await store.load_many(self._connection, stream_ids)

    async def load_with_response(self, stream_id: UUID, merchant_id: MerchantId, key: str) -> StreamAndResponse:
        """Load the stream first and the response second: a twin's refund that is in the stream has its response found.

        The other way round, the twin could commit in between, and this request would be refused for its own refund.
        """
        events = await store.load(self._connection, stream_id)
        return StreamAndResponse(events=events, response=await self.find_response(merchant_id, key))

    async def load_as_of(self, position: int) -> Sequence[RecordedEvent]:
        """Return the stream that has its event at a position, up to there."""
        return await store.load_as_of(self._connection, position)

    async def find_response(self, merchant_id: MerchantId, key: str) -> StoredResponse | None:
        """Return the response that is stored under the key."""
        return await store.find_response(self._connection, merchant_id, key)

    async def append_many(self, appends: Sequence[Append]) -> Sequence[AppendResult]:
        """Append all of them in one round trip."""
        return await store.append(self._connection, appends)

    async def store_response(
        self, stream_id: UUID, merchant_id: MerchantId, version: int, record: IdempotencyRecord
    ) -> StoredResponse | None:
        """Store it in the caller's transaction."""
        return await store.store_response(
            self._connection, record, merchant_id=merchant_id, stream_id=stream_id, version=version
        )


class GroupCommitLog:
    """An `EventLog` for many requests at once: each call is committed when it returns, appends by group commit.

    With a `vault` it reads personal data in clear.
    """

    def __init__(
        self, pool: AsyncConnectionPool[Connection], appender: Appender, *, vault: Decrypting | None = None
    ) -> None:
        self._pool = pool
        self._appender = appender
        self._vault = vault

    async def load_many(self, stream_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RecordedEvent]]:
        """Load all of them in one round trip."""
        async with self._pool.connection() as connection:
            found = await ConnectionLog(connection).load_many(stream_ids)
        return {stream_id: await self._clear(events) for stream_id, events in found.items()}

    async def load_with_response(self, stream_id: UUID, merchant_id: MerchantId, key: str) -> StreamAndResponse:
        """Return both, by one connection."""
        async with self._pool.connection() as connection:
            found = await ConnectionLog(connection).load_with_response(stream_id, merchant_id, key)
        return StreamAndResponse(events=await self._clear(found.events), response=found.response)

    async def load_as_of(self, position: int) -> Sequence[RecordedEvent]:
        """Return the stream that has its event at a position, up to there."""
        async with self._pool.connection() as connection:
            found = await ConnectionLog(connection).load_as_of(position)
        return await self._clear(found)

    async def _clear(self, events: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
        return events if self._vault is None else await self._vault.decrypt(events)

    async def find_response(self, merchant_id: MerchantId, key: str) -> StoredResponse | None:
        """Return the response that is stored under the key."""
        async with self._pool.connection() as connection:
            return await ConnectionLog(connection).find_response(merchant_id, key)

    async def append_many(self, appends: Sequence[Append]) -> Sequence[AppendResult]:
        """Append each in a transaction of its own or of its neighbours'."""
        return await asyncio.gather(*(self._appender.append(each) for each in appends))

    async def store_response(
        self, stream_id: UUID, merchant_id: MerchantId, version: int, record: IdempotencyRecord
    ) -> StoredResponse | None:
        """Store it, committed when this returns."""
        async with self._pool.connection() as connection:
            return await ConnectionLog(connection).store_response(stream_id, merchant_id, version, record)

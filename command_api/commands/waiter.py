"""Lets requests wait for Stripe's outcome: one poll of the event store for all of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from domain.errors import DomainError
from event_store.payments import PAYMENT
from event_store.privacy.attached import Decrypting
from event_store.store import load_many
from event_store.streams import Aggregate, LoadedStream
from infra.postgres.pool import Pool
from infra.postgres.queries import Queries
from infra.process.shared_poller import SharedPoller, Waiter
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError

log = structlog.get_logger(__name__)

QUERIES = Queries.load(Path(__file__).with_name("waiter.sql"))


class StreamWaiter(Protocol):
    """Waits for aggregates of one kind to change."""

    async def wait(
        self, stream_id: UUID, *, after_version: int, until: Callable[[Any], bool], timeout_s: float
    ) -> LoadedStream[Any] | None:
        """Return the aggregate once it is past `after_version` and `until` holds, or as last seen in `timeout_s`.

        None: nothing newer was seen.
        """


@dataclass(slots=True, eq=False, kw_only=True)
class _Waiting(Waiter):
    stream_id: UUID
    version: int
    until: Callable[[Any], bool]
    seen: LoadedStream[Any] | None = None


class PollingStreamWaiter:
    """Polls the versions of streams, only while a request waits, and less often while the database is away."""

    _UNAVAILABLE_PAUSE_S = 0.25

    def __init__(
        self,
        pool: Pool,
        *,
        interval_s: float = 0.015,
        aggregate: Aggregate[Any, Any] = PAYMENT,
        vault: Decrypting | None = None,
    ) -> None:
        """`vault` reads personal data, if what is answered has some."""
        self._vault = vault
        self._pool = pool
        self._aggregate = aggregate
        self._poller = SharedPoller(
            self._poll, name="stream-waiter", interval_s=interval_s, retry_after_s=self._log_failure
        )
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release all waiters and stop polling."""
        self.release()
        await self._poller.close()

    def release(self) -> None:
        """Wait no longer, now and from now on: the process is stopping, and clients get the present state."""
        self._closing = True
        for waiting in self._poller.waiters:
            waiting.finish()

    async def wait(
        self, stream_id: UUID, *, after_version: int, until: Callable[[Any], bool], timeout_s: float
    ) -> LoadedStream[Any] | None:
        """Wait until the poller sees it, at most `timeout_s`."""
        if self._closing:
            return None
        waiting = _Waiting(stream_id=stream_id, version=after_version, until=until)
        await self._poller.wait(waiting, timeout_s)
        return waiting.seen

    def _log_failure(self, error: Exception) -> float:
        if isinstance(error, DatabaseError):
            log.warning("stream_poll_failed", error=type(error).__name__)
        else:
            log.error("stream_poll_failed", exc_info=error)
        return self._UNAVAILABLE_PAUSE_S

    async def _poll(self, waiters: Collection[_Waiting]) -> None:
        async with self._pool.connection() as connection:
            stream_ids = list({each.stream_id for each in waiters})
            cursor = await connection.execute(QUERIES["versions"], {"stream_ids": stream_ids})
            versions: dict[UUID, int] = dict(await cursor.fetchall())
            moved = [each for each in waiters if versions.get(each.stream_id, 0) > each.version]
            if not moved:
                return
            streams = await load_many(connection, list({each.stream_id for each in moved}))
        for each in moved:
            events: Sequence[RecordedEvent] = streams[each.stream_id]
            clear = events if self._vault is None else await self._vault.decrypt(events)
            try:
                loaded = self._aggregate.load(clear)
            except (SchemaError, DomainError) as error:
                # Of a newer version, perhaps. It is this client's alone: the others must not wait for it.
                log.warning("stream_unreadable", stream_id=str(each.stream_id), error=type(error).__name__)
                each.finish()
                continue
            assert loaded.state is not None
            each.seen, each.version = loaded, loaded.version
            if each.until(loaded.state):
                each.finish()

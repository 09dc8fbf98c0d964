"""Group commit: what waits to be written at one moment goes to the database in one transaction.

A lone item never waits for company: it goes at once when nothing is under way. While a batch is being written,
whatever arrives is the next batch, so the busier the process the fewer its commits.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from event_store.append_signal import AppendSignal
from event_store.appends import MAX_EVENT_BYTES, Append, Appended, AppendResult
from event_store.owned_ids import OwnedIds
from event_store.privacy.attached import Encrypting
from event_store.store import QUERIES, Connection, append, is_log_closed
from infra.process.pacing import Pacing

Item = TypeVar("Item")
Result = TypeVar("Result")


class Closed(Exception):
    """The process is stopping: nothing was written for this item."""


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    key: Hashable
    result: "asyncio.Future[Result]"


class Batcher(Generic[Item, Result]):
    """Hands waiting items to `write` in batches, at most `max_in_flight` at a time, and returns each its own result.

    `write` returns a result for every item in order, or an exception for it to raise; if `write` raises, every item of
    the batch does. Two items of one key are never in one batch, nor in two batches at once: the later waits.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        key: Callable[[Item], Hashable],
        max_batch: int = 256,
        max_in_flight: int = 1,
        pacing: Pacing | None = None,
    ) -> None:
        """`pacing`: how far apart batches begin, so that more goes into each when there is much."""
        self._write = write
        self._pacing = pacing or Pacing(0.0)
        self._key = key
        self._max_batch = max_batch
        self._max_in_flight = max_in_flight
        self._waiting: list[_Waiting[Item, Result]] = []
        self._busy_keys: set[Hashable] = set()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._closed = False
        self._later: asyncio.TimerHandle | None = None

    async def submit(self, item: Item) -> Result:
        """Write the item with the next batch and return its own result.

        Cancelling the caller does not take the item back: it may be on its way to the disk already.
        """
        if self._closed:
            raise Closed
        waiting = _Waiting[Item, Result](item, self._key(item), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._start_batches()
        return await asyncio.shield(waiting.result)

    async def close(self) -> None:
        """Refuse new items and wait until everything that was submitted is written."""
        self._closed = True
        if self._later is not None:
            self._later.cancel()
            self._start_later()
        while self._in_flight:
            await asyncio.wait(self._in_flight)

    def _start_batches(self) -> None:
        if self._is_early():
            return
        while len(self._in_flight) < self._max_in_flight and (batch := self._next_batch()):
            self._pacing.begin(len(batch))
            writing = asyncio.create_task(self._write_batch(batch))
            self._in_flight.add(writing)
            writing.add_done_callback(self._on_written)

    def _is_early(self) -> bool:
        """Whether what waits is to wait for more; it is written later then."""
        if self._closed or len(self._waiting) >= self._max_batch:
            return False
        if self._later is None and self._waiting and (remaining_s := self._pacing.remaining_s):
            self._later = asyncio.get_running_loop().call_later(remaining_s, self._start_later)
        return self._later is not None

    def _start_later(self) -> None:
        self._later = None
        self._start_batches()

    def _next_batch(self) -> list[_Waiting[Item, Result]]:
        batch: list[_Waiting[Item, Result]] = []
        left: list[_Waiting[Item, Result]] = []
        for waiting in self._waiting:
            if len(batch) < self._max_batch and waiting.key not in self._busy_keys:
                self._busy_keys.add(waiting.key)
                batch.append(waiting)
            else:
                left.append(waiting)
        self._waiting = left
        return batch

    async def _write_batch(self, batch: list[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._write([waiting.item for waiting in batch])
            for waiting, result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    _fail(waiting.result, result)
                else:
                    waiting.result.set_result(result)
        except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            for waiting in batch:
                _fail(waiting.result, error)
        finally:
            self._busy_keys.difference_update(waiting.key for waiting in batch)

    def _on_written(self, writing: "asyncio.Task[None]") -> None:
        self._in_flight.discard(writing)
        self._start_batches()


def _fail(result: "asyncio.Future[Result]", error: BaseException) -> None:
    if not result.done():
        result.set_exception(error)
        result.exception()  # counts as retrieved: a caller that was cancelled will never look


class Appender(Protocol):
    """Appends one command's events; the results are those of `event_store.store.append`."""

    async def append(self, item: Append) -> AppendResult:
        """Append, in a transaction that other commands may share, and return once it is committed."""


class GroupCommit:
    """An `Appender` that coalesces the appends waiting at a moment into one call, one transaction, one round trip."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Connection],
        *,
        max_batch: int = 256,
        max_event_bytes: int = MAX_EVENT_BYTES,
        pacing: Pacing | None = None,
        vault: Encrypting | None = None,
    ) -> None:
        """`pacing`: how far apart transactions begin; a lone append does not wait. `vault` encrypts appends."""
        self._pool = pool
        self._vault = vault
        self._max_event_bytes = max_event_bytes
        self._known_position = 0
        self._signal = AppendSignal()
        self._owned = OwnedIds()
        self._batcher = Batcher[Append, AppendResult](
            self._write, key=lambda item: item.stream_id, max_batch=max_batch, pacing=pacing
        )

    async def append(self, item: Append) -> AppendResult:
        """Append one command's events.

        Raises EventTooLarge or EventNotStorable; psycopg.OperationalError or psycopg_pool.PoolTimeout when the
        database is away. A connection that breaks during the commit leaves the outcome unknown: a retry
        with the same idempotency key gets the response.
        """
        if self._vault is not None:
            (item,) = await self._vault.encrypt([item])
        item.require_storable(self._max_event_bytes)  # before it can fail the others of its batch
        result = await self._batcher.submit(self._owned.without_known(item) if item.stripe_ids else item)
        if item.stripe_ids and isinstance(result, Appended):
            self._owned.learn(item)
        return result

    async def close(self) -> None:
        """Write what was submitted, refuse what comes later."""
        await self._batcher.close()

    async def _write(self, items: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        try:
            return await self._append(items)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            # PostgreSQL refuses a value (a NUL character in a text, an event id that is there) and with it the whole
            # statement.
            if len(items) == 1:
                return [error]
            return [each for item in items for each in await self._write([item])]

    async def _append(self, items: Sequence[Append]) -> list[AppendResult]:
        try:
            async with self._pool.connection() as connection, _in_one_round_trip(connection):
                results = await append(
                    connection, items, known_position=self._known_position, max_event_bytes=self._max_event_bytes
                )
                with suppress(psycopg.Error):  # it is committed, whatever becomes of the signal
                    await self._signal.send(connection)
        except psycopg.OperationalError as error:
            if is_log_closed(error):
                self._owned.clear()
                await self._close_log_behind()
            raise
        positions = (each.position for each in results if isinstance(each, Appended))
        self._known_position = max(self._known_position, *positions, 0)
        return results

    async def _close_log_behind(self) -> None:
        """Close the log for all until it was compared with Kafka: otherwise it refuses this process only."""
        with suppress(psycopg.Error, PoolTimeout):
            async with self._pool.connection() as connection:
                await connection.execute(QUERIES["close_log_behind"], {"known_position": self._known_position})


@asynccontextmanager
async def _in_one_round_trip(connection: Connection) -> AsyncIterator[None]:
    """Let each statement be a transaction: an append is one, and needs no BEGIN and COMMIT around it."""
    await connection.set_autocommit(True)
    try:
        yield
    finally:
        if not connection.closed:
            await connection.set_autocommit(False)

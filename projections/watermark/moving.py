"""Moves the watermark while a projector runs: when a read waits for a position, and a moment after events were applied.

Nobody polls. A read sends NOTIFY when its position does not show by itself; the projector keeps one connection that
listens. Applied events move it too, at most once a second, so that there is never much to look through.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Connection, create_pool
from infra.postgres.pooling import DIRECT
from infra.postgres.sessions import is_direct, require_session
from projections.watermark.advance import SQL, Watermark

log = structlog.get_logger(__name__)

_NAME = "projector-watermark"
_AFTER_BATCHES_S = 1.0
_LOOK_AGAIN_S = 0.02
_LOOKS = 150  # then it waits for the next request: the relay names who holds a position for so long
_RECONNECT_S = 1.0
_AFTER_FAULT_S = 30.0


class WatermarkMover:
    """Moves it for one process; several processes do no harm."""

    def __init__(self, url: str, *, partitions: int) -> None:
        """`url`: a role like paystream_projector, to a primary and past any pooler: LISTEN needs a session of its own.

        `partitions`: how many the topic of payments has.
        """
        self._url = url
        self._partitions = partitions
        self._wake = asyncio.Event()
        self._due: asyncio.TimerHandle | None = None

    def applied(self) -> None:
        """Note that events were applied."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_AFTER_BATCHES_S, self._on_due)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Move it while the block runs."""
        moving = asyncio.create_task(self._run(), name="watermark")
        try:
            yield
        finally:
            if self._due is not None:
                self._due.cancel()
            moving.cancel()
            with suppress(asyncio.CancelledError):
                await moving

    def _on_due(self) -> None:
        self._due = None
        self._wake.set()

    async def _run(self) -> None:
        async with create_pool(self._url, size=1, name=_NAME, autocommit=True, pooling=DIRECT) as pool:
            while True:
                try:
                    async with pool.connection() as conn:
                        await self._follow(conn)
                except Exception as error:
                    if is_transient(error):
                        await asyncio.sleep(_RECONNECT_S)
                    else:
                        log.exception("watermark_not_moved")
                        await asyncio.sleep(_AFTER_FAULT_S)

    async def _follow(self, conn: Connection) -> None:
        if not await is_direct(conn):
            await require_session(self._url, user="the projector")
        conn.add_notify_handler(lambda _: self._wake.set())
        await conn.execute(SQL.listen)
        watermark = Watermark(partitions=self._partitions)
        self._wake.set()  # a request may have come while nobody listened
        while True:
            await self._wait_for_wake(conn)
            await watermark.advance(conn)
            requested = watermark.end.drawn  # the read that woke us requested no existing position above it
            for _ in range(_LOOKS):
                await asyncio.sleep(_LOOK_AGAIN_S)
                if watermark.end.position >= requested:
                    break
                await watermark.advance(conn)

    async def _wait_for_wake(self, conn: Connection) -> None:
        """Wait for a request, for applied events, or for the end of the connection."""
        loop = asyncio.get_running_loop()
        loop.add_reader(conn.fileno(), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            loop.remove_reader(conn.fileno())
        self._wake.clear()

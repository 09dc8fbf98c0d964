"""Moves the watermark while a projector runs: when a read waits for a position, and a moment after events were applied.

Nobody polls. Reads ask by NOTIFY when a position has not shown by itself; the projector keeps one connection that
listens. What was applied moves it too, once a second at most, so that there is never much to look through.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Connection, create_pool
from projections.watermark.advance import SQL, Watermark

log = structlog.get_logger(__name__)

_NAME = "projector-watermark"
_AFTER_BATCHES_S = 1.0
_LOOK_AGAIN_S = 0.02
_LOOKS = 150  # then it waits to be asked again: who holds a position that long is named by the relay
_RECONNECT_S = 1.0
_AFTER_FAULT_S = 30.0


class WatermarkMover:
    """Moves it for one process; several processes do no harm."""

    def __init__(self, url: str, *, partitions: int) -> None:
        """`url`: a role like paystream_projector, straight to a primary (LISTEN needs a session of its own).

        `partitions`: how many the topic of payments has.
        """
        self._url = url
        self._partitions = partitions
        self._wake = asyncio.Event()
        self._due: asyncio.TimerHandle | None = None

    def applied(self) -> None:
        """Note that events were applied."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_AFTER_BATCHES_S, self._be_due)

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

    def _be_due(self) -> None:
        self._due = None
        self._wake.set()

    async def _run(self) -> None:
        async with create_pool(self._url, size=1, name=_NAME, autocommit=True) as pool:
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
        conn.add_notify_handler(lambda _: self._wake.set())
        await conn.execute(SQL.listen)
        watermark = Watermark(partitions=self._partitions)
        self._wake.set()  # somebody may have asked while nobody listened
        while True:
            await self._woken(conn)
            await watermark.advance(conn)
            asked_for = watermark.end.drawn  # whoever woke us asks for nothing above it that there is
            for _ in range(_LOOKS):
                await asyncio.sleep(_LOOK_AGAIN_S)
                if watermark.end.position >= asked_for:
                    break
                await watermark.advance(conn)

    async def _woken(self, conn: Connection) -> None:
        """Wait until somebody asks, or events were applied; also when the connection ends."""
        loop = asyncio.get_running_loop()
        loop.add_reader(conn.fileno(), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            loop.remove_reader(conn.fileno())
        self._wake.clear()

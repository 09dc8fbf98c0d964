"""A semaphore with two queues: urgent callers come before the others; each queue is first in, first out."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PrioritySemaphore:
    """So many hold a slot at a time. Whoever releases one gives it to the next who waits."""

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        self._held = 0
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def hold(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Wait for a slot and hold it within the block."""
        await self.acquire(urgent=urgent)
        try:
            yield
        finally:
            self.release()

    async def acquire(self, *, urgent: bool = False) -> None:
        """Wait for a slot; `release` must follow."""
        if self._held < self._slots:
            self._held += 1
            return
        waiting = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._others).append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.release()  # it was given the slot in the moment in which it left
            raise

    def release(self) -> None:
        """Give a slot to the next who waits."""
        self._held -= 1
        self._wake_waiting()

    def resize(self, slots: int) -> None:
        """Have so many slots from now on. Who holds one keeps it."""
        self._slots = slots
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        for queue in (self._urgent, self._others):
            while queue and self._held < self._slots:
                waiting = queue.popleft()
                if not waiting.done():
                    self._held += 1
                    waiting.set_result(None)

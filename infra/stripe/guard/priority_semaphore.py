"""A semaphore with a queue for each priority; each queue is first in, first out."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.stripe.guard.priority import Priority


class PrioritySemaphore:
    """So many hold a slot at a time. Whoever releases one gives it to the next who waits."""

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        self._held = 0
        self._queues: dict[Priority, deque[asyncio.Future[None]]] = {each: deque() for each in Priority}

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return sum(not each.done() for queue in self._queues.values() for each in queue)

    @asynccontextmanager
    async def hold(self, priority: Priority = Priority.NORMAL) -> AsyncIterator[None]:
        """Wait for a slot and hold it within the block."""
        await self.acquire(priority)
        try:
            yield
        finally:
            self.release()

    async def acquire(self, priority: Priority = Priority.NORMAL) -> None:
        """Wait for a slot; `release` must follow."""
        if self._held < self._slots:
            self._held += 1
            return
        waiting = asyncio.get_running_loop().create_future()
        self._queues[priority].append(waiting)
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
        for queue in self._queues.values():
            while queue and self._held < self._slots:
                waiting = queue.popleft()
                if not waiting.done():
                    self._held += 1
                    waiting.set_result(None)

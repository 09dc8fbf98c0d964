"""Places that waiting callers get in two lines: those who may go first, and the others; each the first first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Line:
    """So many hold a place at a time. It is given on when its holder leaves."""

    def __init__(self, places: int = 1) -> None:
        self._places = places
        self._held = 0
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def place(self, *, first: bool = False) -> AsyncIterator[None]:
        """Wait for a place and hold it within the block."""
        await self.take(first=first)
        try:
            yield
        finally:
            self.give_back()

    async def take(self, *, first: bool = False) -> None:
        """Wait for a place; `give_back` must follow."""
        if self._held < self._places:
            self._held += 1
            return
        waiting = asyncio.get_running_loop().create_future()
        (self._first if first else self._others).append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.give_back()  # it was given the place in the moment in which it left
            raise

    def give_back(self) -> None:
        """Give a place to the next who waits."""
        self._held -= 1
        self._give_on()

    def resize(self, places: int) -> None:
        """Have so many places from now on. Who holds one keeps it."""
        self._places = places
        self._give_on()

    def _give_on(self) -> None:
        for line in (self._first, self._others):
            while line and self._held < self._places:
                waiting = line.popleft()
                if not waiting.done():
                    self._held += 1
                    waiting.set_result(None)

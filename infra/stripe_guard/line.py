"""A lock whose waiting callers are in two lines: those who may go first, and the others; each the first first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Line:
    """One holds the place at a time. It is given on when its holder leaves the block."""

    def __init__(self) -> None:
        self._taken = False
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def place(self, *, first: bool = False) -> AsyncIterator[None]:
        """Wait for the place and hold it within the block."""
        if self._taken:
            await self._wait(self._first if first else self._others)
        self._taken = True
        try:
            yield
        finally:
            self._give_on()

    async def _wait(self, line: deque[asyncio.Future[None]]) -> None:
        waiting = asyncio.get_running_loop().create_future()
        line.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._give_on()  # it was given the place in the moment in which it left
            raise

    def _give_on(self) -> None:
        for line in (self._first, self._others):
            while line:
                waiting = line.popleft()
                if not waiting.done():
                    waiting.set_result(None)
                    return  # still taken: by the one who was woken
        self._taken = False

"""Lets a loop begin a round at most so often, so that what comes meanwhile goes into the next one.

A round has a price of its own (a transaction, its round trips) beside that of what it does. Without a pause a loop
that keeps up makes one for each item, and the busier the machine, the more of its time goes into rounds. With it,
rounds grow with the load. A round that follows a quiet time begins at once: a lone item does not wait.
"""

import asyncio
import time
from collections.abc import Callable

from infra.process.waiting import wait_for_event


class Pacing:
    """Rounds that begin `interval_s` apart; after a large one later: `per_item_s` for each item, up to `longest_s`."""

    def __init__(
        self,
        interval_s: float,
        *,
        per_item_s: float = 0.0,
        longest_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = interval_s
        self._per_item_s = per_item_s
        self._longest_s = max(longest_s, interval_s)
        self._clock = clock
        self._next_at = 0.0

    def begin(self, items: int = 0) -> None:
        """Note that a round of so many items begins now."""
        self._next_at = self._clock() + min(self._longest_s, max(self._interval_s, items * self._per_item_s))

    @property
    def remaining_s(self) -> float:
        """How long until the next round may begin; 0 when it may now."""
        return max(0.0, self._next_at - self._clock())

    async def wait(self, stop: asyncio.Event | None = None) -> None:
        """Wait until the next round may begin, or `stop` is set."""
        remaining_s = self.remaining_s
        if remaining_s <= 0:
            return
        if stop is None:
            await asyncio.sleep(remaining_s)
        else:
            await wait_for_event(stop, timeout_s=remaining_s)

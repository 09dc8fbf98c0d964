"""What this process published, for the consumers in the same process: they need not ask the broker to learn of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from infra.process.waiting import wait_for_any


class Publications:
    """How often something was published to each topic, while a publisher of this process is at work."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._publishers = 0
        self._changed = asyncio.Event()

    @property
    def are_complete(self) -> bool:
        """Whether a publisher of this process is at work. Else records appear without a note here."""
        return self._publishers > 0

    def count(self, topic: str) -> int:
        """Return a number that is higher after each publication to the topic."""
        return self._counts[topic]

    def begin(self) -> None:
        """Note that a publisher of this process is at work, until `end`."""
        self._publishers += 1

    def end(self) -> None:
        """Note that it no longer is: who waits stops waiting."""
        self._publishers -= 1
        self._wake()

    def published(self, topics: Iterable[str]) -> None:
        """Note that records of these topics can be fetched now."""
        self._counts.update(set(topics))
        self._wake()

    async def wait_for_more(self, seen: Mapping[str, int], until: asyncio.Event, *, timeout_s: float) -> None:
        """Return when a topic has a higher count than was seen, no publisher is at work, `until` is set, or in time."""
        ends_at = time.monotonic() + timeout_s
        while self.are_complete and all(self._counts[topic] <= count for topic, count in seen.items()):
            left_s = ends_at - time.monotonic()
            if until.is_set() or left_s <= 0:
                return
            await wait_for_any(self._changed, until, timeout_s=left_s)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


PUBLICATIONS = Publications()
"""Of this process."""

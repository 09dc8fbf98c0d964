"""When a consumer fetches: when this process published to its topics, or else now and then."""

import asyncio
from collections.abc import Collection

from aiokafka import TopicPartition

from infra.kafka.names import KafkaNames
from infra.kafka.publications import Publications

_AS_DECLARED = KafkaNames(None)


class FetchTiming:
    """Remembers of each partition which publications a fetch of it began after.

    Others publish too (another relay, an operator), so that it fetches every `at_least_every_s` all the same. What is
    read from elsewhere is fetched at once.
    """

    def __init__(
        self, publications: Publications, names: KafkaNames = _AS_DECLARED, *, at_least_every_s: float = 1.0
    ) -> None:
        """`names` are those that partitions have when they are fetched; publications have the declared ones."""
        self._publications = publications
        self._names = names
        self._at_least_every_s = at_least_every_s
        self._seen: dict[TopicPartition, int] = {}
        self._moved = asyncio.Event()

    async def wait(self, partitions: Collection[TopicPartition]) -> bool:
        """Wait until a fetch of these partitions may find something; return whether it was waited for that at all."""
        if not self._publications.are_complete:
            return False
        partitions = [self._names.declared_place(each) for each in partitions]
        seen: dict[str, int] = {}
        for each in partitions:
            last = self._seen.get(each, -1)
            seen[each.topic] = min(last, seen.get(each.topic, last))
        self._moved.clear()
        await self._publications.wait_for_more(seen, self._moved, timeout_s=self._at_least_every_s)
        for each in partitions:
            self._seen[each] = self._publications.count(each.topic)
        return True

    def moved(self) -> None:
        """Take note that a partition is to be read from elsewhere: what waits is fetched now."""
        self._seen.clear()
        self._moved.set()

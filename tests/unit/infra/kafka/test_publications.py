import asyncio

from aiokafka import TopicPartition

from infra.kafka.consumer.fetch_timing import FetchTiming
from infra.kafka.publications import Publications

FIRST, SECOND, OTHER = TopicPartition("payments", 0), TopicPartition("payments", 1), TopicPartition("ledger", 0)
LONG_S = 3600.0


async def is_waiting(task: "asyncio.Task[bool]") -> bool:
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_without_a_publisher_in_the_process_nothing_is_waited_for() -> None:
    timing = FetchTiming(Publications(), at_least_every_s=LONG_S)
    assert await timing.wait([FIRST]) is False


async def test_a_fetch_waits_until_its_topic_is_published_to() -> None:
    publications = Publications()
    publications.begin()
    timing = FetchTiming(publications, at_least_every_s=LONG_S)
    assert await timing.wait([FIRST]) is True  # whatever was published before
    fetch = asyncio.create_task(timing.wait([FIRST]))
    assert await is_waiting(fetch)
    publications.published(["ledger"])
    assert await is_waiting(fetch)
    publications.published(["payments"])
    async with asyncio.timeout(5):
        assert await fetch is True


async def test_a_partition_that_was_not_fetched_since_is_fetched_at_once() -> None:
    publications = Publications()
    publications.begin()
    timing = FetchTiming(publications, at_least_every_s=LONG_S)
    await timing.wait([FIRST, SECOND, OTHER])
    publications.published(["payments"])
    await timing.wait([FIRST])  # the second's records were not used yet
    async with asyncio.timeout(5):
        assert await timing.wait([FIRST, SECOND]) is True


async def test_who_waits_stops_waiting_when_the_publisher_ends() -> None:
    publications = Publications()
    publications.begin()
    timing = FetchTiming(publications, at_least_every_s=LONG_S)
    await timing.wait([FIRST])
    fetch = asyncio.create_task(timing.wait([FIRST]))
    assert await is_waiting(fetch)
    publications.end()
    async with asyncio.timeout(5):
        await fetch


async def test_it_fetches_now_and_then_all_the_same() -> None:
    publications = Publications()
    publications.begin()
    timing = FetchTiming(publications, at_least_every_s=0.01)
    await timing.wait([FIRST])
    async with asyncio.timeout(5):
        assert await timing.wait([FIRST]) is True


async def test_what_brought_records_is_fetched_again_at_once() -> None:
    publications = Publications()
    publications.begin()
    timing = FetchTiming(publications, at_least_every_s=LONG_S)
    await timing.wait([FIRST])
    timing.fetched([FIRST])
    async with asyncio.timeout(5):
        assert await timing.wait([FIRST]) is True


async def test_what_is_read_from_elsewhere_ends_the_wait() -> None:
    publications = Publications()
    publications.begin()
    timing = FetchTiming(publications, at_least_every_s=LONG_S)
    await timing.wait([FIRST])
    fetch = asyncio.create_task(timing.wait([FIRST]))
    assert await is_waiting(fetch)
    timing.moved()
    async with asyncio.timeout(5):
        await fetch

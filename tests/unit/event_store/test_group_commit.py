"""Group commit: a lone item does not wait, company shares a batch, and each gets its own answer."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from event_store.group_commit import Batcher, Closed
from infra.process.pacing import Pacing


class _Writer:
    """A `write` that can be held back, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.error: Exception | None = None

    async def __call__(self, items: Sequence[str]) -> Sequence[str]:
        self.batches.append(list(items))
        await self.free.wait()
        if self.error is not None:
            raise self.error
        return [item.upper() for item in items]


def batcher(writer: _Writer, *, max_batch: int = 256, max_in_flight: int = 1) -> Batcher[str, str]:
    return Batcher[str, str](writer, key=lambda item: item[0], max_batch=max_batch, max_in_flight=max_in_flight)


async def test_a_lone_item_goes_at_once() -> None:
    writer = _Writer()
    assert await batcher(writer).submit("a") == "A"
    assert writer.batches == [["a"]]


async def test_what_arrives_meanwhile_is_the_next_batch() -> None:
    writer = _Writer()
    writer.free.clear()
    subject = batcher(writer)
    waiting = [asyncio.create_task(subject.submit(item)) for item in ("a", "b", "c")]
    await asyncio.sleep(0)
    writer.free.set()
    assert await asyncio.gather(*waiting) == ["A", "B", "C"]
    assert writer.batches == [["a"], ["b", "c"]]


async def test_two_items_of_one_key_are_never_on_their_way_together() -> None:
    writer = _Writer()
    writer.free.clear()
    subject = batcher(writer, max_in_flight=4)
    waiting = [asyncio.create_task(subject.submit(item)) for item in ("a1", "a2", "b1", "a3")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert writer.batches == [["a1"], ["b1"]]
    writer.free.set()
    assert await asyncio.gather(*waiting) == ["A1", "A2", "B1", "A3"]
    assert writer.batches == [["a1"], ["b1"], ["a2"], ["a3"]]


async def test_a_batch_is_no_larger_than_allowed() -> None:
    writer = _Writer()
    writer.free.clear()
    subject = batcher(writer, max_batch=2)
    waiting = [asyncio.create_task(subject.submit(item)) for item in "abcde"]
    await asyncio.sleep(0)
    writer.free.set()
    await asyncio.gather(*waiting)
    assert writer.batches == [["a"], ["b", "c"], ["d", "e"]]


async def test_an_error_reaches_everyone_of_the_batch_and_nobody_else() -> None:
    writer = _Writer()
    writer.error = RuntimeError("disk on fire")
    subject = batcher(writer)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="disk on fire"):
            await subject.submit("a")
    writer.error = None
    assert await subject.submit("a") == "A"


async def test_an_answer_that_is_an_error_reaches_its_own_item_alone() -> None:
    async def write(items: Sequence[str]) -> Sequence[str | Exception]:
        return [ValueError(item) if item == "bad" else item for item in items]

    subject = Batcher[str, str](write, key=lambda item: item)
    found = await asyncio.gather(*(subject.submit(item) for item in ("a", "bad", "c")), return_exceptions=True)
    assert (found[0], found[2]) == ("a", "c")
    assert isinstance(found[1], ValueError)


async def test_an_item_whose_caller_gave_up_is_written_all_the_same() -> None:
    writer = _Writer()
    writer.free.clear()
    subject = batcher(writer)
    waiting = [asyncio.create_task(subject.submit(item)) for item in ("a", "b")]
    await asyncio.sleep(0)
    waiting[1].cancel()
    writer.free.set()
    assert await waiting[0] == "A"
    await subject.close()
    assert writer.batches == [["a"], ["b"]]


async def test_closing_answers_what_was_submitted_and_refuses_the_rest() -> None:
    writer = _Writer()
    writer.free.clear()
    subject = batcher(writer)
    waiting = [asyncio.create_task(subject.submit(item)) for item in ("a", "b")]
    await asyncio.sleep(0)
    closing = asyncio.create_task(subject.close())
    await asyncio.sleep(0)
    with pytest.raises(Closed):
        await subject.submit("c")
    writer.free.set()
    assert await asyncio.gather(*waiting) == ["A", "B"]
    await closing


async def test_with_pacing_a_lone_item_goes_at_once_and_later_ones_together() -> None:
    writer = _Writer()
    subject = Batcher[str, str](writer, key=lambda item: item[0], pacing=Pacing(0.05))
    assert await subject.submit("a") == "A"
    began = time.monotonic()
    assert await asyncio.gather(*(subject.submit(item) for item in "bcd")) == ["B", "C", "D"]
    assert time.monotonic() - began > 0.03
    assert writer.batches == [["a"], ["b", "c", "d"]]


async def test_a_whole_batch_does_not_wait_for_the_pacing() -> None:
    writer = _Writer()
    subject = Batcher[str, str](writer, key=lambda item: item[0], max_batch=3, pacing=Pacing(3600))
    await subject.submit("a")
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(subject.submit(item) for item in "bcd")) == ["B", "C", "D"]


async def test_who_closes_does_not_wait_for_the_pacing() -> None:
    writer = _Writer()
    subject = Batcher[str, str](writer, key=lambda item: item[0], pacing=Pacing(3600))
    await subject.submit("a")
    waiting = asyncio.create_task(subject.submit("b"))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await subject.close()
        assert await waiting == "B"

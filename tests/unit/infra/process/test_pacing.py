import asyncio

from infra.process.pacing import Pacing


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_first_round_begins_at_once_and_the_next_after_the_interval() -> None:
    clock = Clock()
    pacing = Pacing(0.5, clock=clock)
    assert pacing.remaining_s == 0
    pacing.begin()
    clock.now += 0.2
    assert round(pacing.remaining_s, 6) == 0.3
    clock.now += 0.3
    assert pacing.remaining_s == 0


def test_a_round_after_a_quiet_time_does_not_wait() -> None:
    clock = Clock()
    pacing = Pacing(0.5, clock=clock)
    pacing.begin()
    clock.now += 60
    assert pacing.remaining_s == 0


def test_after_a_large_round_the_next_is_later_but_not_for_ever() -> None:
    clock = Clock()
    pacing = Pacing(0.1, per_item_s=0.01, longest_s=0.5, clock=clock)
    for items, expected in ((0, 0.1), (10, 0.1), (20, 0.2), (1000, 0.5)):
        pacing.begin(items)
        assert round(pacing.remaining_s, 6) == expected


async def test_a_wait_ends_with_the_stop() -> None:
    stop = asyncio.Event()
    pacing = Pacing(3600)
    pacing.begin()
    waiting = asyncio.create_task(pacing.wait(stop))
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(5):
        await waiting

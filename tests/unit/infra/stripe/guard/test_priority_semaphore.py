"""The slot goes to one at a time, to those who may go first before the others, and is never lost."""

import asyncio

from infra.stripe.guard.priority_semaphore import PrioritySemaphore


async def test_one_holds_the_place_at_a_time() -> None:
    semaphore, inside, most = PrioritySemaphore(), 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with semaphore.hold():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(20)))
    assert most == 1


async def test_a_place_that_was_given_to_one_who_left_goes_on_to_the_next() -> None:
    semaphore = PrioritySemaphore()

    async def hold() -> None:
        async with semaphore.hold():
            pass

    async with semaphore.hold():
        leaving, staying = asyncio.create_task(hold()), asyncio.create_task(hold())
        await asyncio.sleep(0)
    leaving.cancel()  # it has the slot by now, and does not know it yet
    async with asyncio.timeout(1):
        await staying
        await hold()


async def test_one_who_leaves_the_line_is_passed_by() -> None:
    semaphore = PrioritySemaphore()

    async def hold() -> None:
        async with semaphore.hold():
            pass

    async with semaphore.hold():
        leaving, staying = asyncio.create_task(hold()), asyncio.create_task(hold())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
    async with asyncio.timeout(1):
        await staying


async def test_several_places_are_held_at_once_and_no_more() -> None:
    semaphore, inside, most = PrioritySemaphore(3), 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with semaphore.hold():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(20)))
    assert most == 3


async def test_places_that_are_added_go_to_those_who_wait() -> None:
    semaphore = PrioritySemaphore(1)
    await semaphore.acquire()
    waiting = asyncio.create_task(semaphore.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    semaphore.resize(2)
    async with asyncio.timeout(1):
        await waiting


async def test_places_that_are_taken_away_are_kept_by_who_holds_them() -> None:
    semaphore = PrioritySemaphore(2)
    await semaphore.acquire()
    await semaphore.acquire()
    semaphore.resize(1)
    semaphore.release()
    waiting = asyncio.create_task(semaphore.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    semaphore.release()
    async with asyncio.timeout(1):
        await waiting

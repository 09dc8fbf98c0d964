"""The place goes to one at a time, to those who may go first before the others, and is never lost."""

import asyncio

from infra.stripe.guard.line import Line


async def test_one_holds_the_place_at_a_time() -> None:
    line, inside, most = Line(), 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with line.place():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(20)))
    assert most == 1


async def test_a_place_that_was_given_to_one_who_left_goes_on_to_the_next() -> None:
    line = Line()

    async def hold() -> None:
        async with line.place():
            pass

    async with line.place():
        leaving, staying = asyncio.create_task(hold()), asyncio.create_task(hold())
        await asyncio.sleep(0)
    leaving.cancel()  # it has the place by now, and does not know it yet
    async with asyncio.timeout(1):
        await staying
        await hold()


async def test_one_who_leaves_the_line_is_passed_by() -> None:
    line = Line()

    async def hold() -> None:
        async with line.place():
            pass

    async with line.place():
        leaving, staying = asyncio.create_task(hold()), asyncio.create_task(hold())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
    async with asyncio.timeout(1):
        await staying


async def test_several_places_are_held_at_once_and_no_more() -> None:
    line, inside, most = Line(3), 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with line.place():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(20)))
    assert most == 3


async def test_places_that_are_added_go_to_those_who_wait() -> None:
    line = Line(1)
    await line.take()
    waiting = asyncio.create_task(line.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    line.resize(2)
    async with asyncio.timeout(1):
        await waiting


async def test_places_that_are_taken_away_are_kept_by_who_holds_them() -> None:
    line = Line(2)
    await line.take()
    await line.take()
    line.resize(1)
    line.give_back()
    waiting = asyncio.create_task(line.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    line.give_back()
    async with asyncio.timeout(1):
        await waiting

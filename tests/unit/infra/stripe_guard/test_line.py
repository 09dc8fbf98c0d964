"""The place goes to one at a time, to those who may go first before the others, and is never lost."""

import asyncio

from infra.stripe_guard.line import Line


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

"""Pauses that an event ends early."""

import asyncio


async def wait_for_any(*events: asyncio.Event, timeout_s: float) -> None:
    """Return once one of the events is set, or after `timeout_s`."""
    waiting = {asyncio.create_task(event.wait()) for event in events}
    try:
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    await asyncio.wait(waiting)


async def wait_for_event(event: asyncio.Event, *, timeout_s: float) -> bool:
    """Wait for one event, at most so long; return whether it is set."""
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return False

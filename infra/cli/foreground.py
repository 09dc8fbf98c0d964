"""How a command that runs a stack in the foreground is ended."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from infra.embedded.stack import Stack

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_signals(stack: Stack) -> asyncio.Event:
    """Return an event that is set by the first signal to end; a second one kills every part at once."""
    asked = asyncio.Event()

    def end() -> None:
        if asked.is_set():
            stack.kill_all()
        asked.set()

    for number in _END_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, end)
    return asked


async def unless(asked_to_end: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` to its end and return True; or give it up when asked to end, and return False."""
    working = asyncio.create_task(work)
    asked = asyncio.create_task(asked_to_end.wait())
    await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait({working})
        return False
    working.result()
    return True

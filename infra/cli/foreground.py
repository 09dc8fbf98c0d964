"""How a command that runs a stack in the foreground is ended."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Protocol

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Running(Protocol):
    """What runs in the foreground: a stack or a cluster."""

    def kill_all(self) -> None:
        """End everything at once."""
        ...


class EndSignals:
    """Catches the signals to end, from when it is made: before the stack, which takes a moment to be made itself.

    The first one sets `stop_requested`; a second one kills every part of `running` at once.
    """

    def __init__(self) -> None:
        self.stop_requested = asyncio.Event()
        self.running: Running | None = None
        for number in _END_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._end)

    def _end(self) -> None:
        if self.stop_requested.is_set() and self.running is not None:
            self.running.kill_all()
        self.stop_requested.set()


async def unless(stop_requested: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` to its end and return True; or give it up when asked to end, and return False.

    Whatever happens, `work` is over when this returns or raises.
    """
    if stop_requested.is_set():
        work.close()
        return False
    working = asyncio.create_task(work)
    stop = asyncio.create_task(stop_requested.wait())
    try:
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        working.result()
        return True
    finally:
        for task in (working, stop):
            task.cancel()
        await asyncio.gather(working, stop, return_exceptions=True)

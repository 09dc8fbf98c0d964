"""The whole system for all tests that leave it as they found it: started for the first, ended after the last in a row.

An idle system takes a third of a core: it must not run on beside tests that have nothing to do with it.
"""

import asyncio
from pathlib import Path

from infra.embedded.process import processes_of
from infra.embedded.stack import Stack
from tests.support.brokers import chosen_broker, chosen_layout
from tests.support.prepared_home import copy_prepared
from tests.support.system import AT_LEISURE


class SharedSystem:
    """Starts the system whenever a test needs it and it does not run."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stack: Stack | None = None

    async def stack(self) -> Stack:
        """Return the running system; it keeps its data from one start to the next."""
        if self._stack is None:
            await copy_prepared(self._home)
            stack = Stack(
                self._home,
                fsync=False,
                broker=chosen_broker(),
                processes=processes_of(chosen_layout()),
                settings=AT_LEISURE,
            )
            await stack.start()
            self._stack = stack
        return self._stack

    def end(self) -> None:
        """End the system, if it runs. Not from inside of an event loop."""
        stack, self._stack = self._stack, None
        if stack is not None:
            asyncio.run(stack.stop())

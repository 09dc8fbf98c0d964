"""One poller for all who wait for something: however many they are, they cost one query a tick, and none when idle."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar


@dataclass(slots=True, eq=False, kw_only=True)
class Waiter:
    """Somebody who waits. Subclasses say for what."""

    _done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def is_done(self) -> bool:
        """Whether it has what it waited for, or the poller failed."""
        return self._done.done()

    def finish(self, error: Exception | None = None) -> None:
        """End the wait; `error` is raised to who waits."""
        if self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)
            self._done.exception()  # seen: who waited may be gone

    async def wait(self, timeout_s: float) -> bool:
        """Return whether it was finished in time. Raises the error that it was finished with."""
        await asyncio.wait([self._done], timeout=timeout_s)
        if not self._done.done():
            return False
        self._done.result()
        return True


W = TypeVar("W", bound=Waiter)


class SharedPoller(Generic[W]):
    """Polls while anybody waits."""

    def __init__(
        self,
        poll: Callable[[Collection[W]], Awaitable[None]],
        *,
        name: str,
        interval_s: float,
        retry_after_s: Callable[[Exception], float] | None = None,
    ) -> None:
        """`poll` finishes those whose wait is over.

        When it fails, everybody gets the error, or waits on while it is tried again `retry_after_s` later.
        """
        self._poll = poll
        self._name = name
        self._interval_s = interval_s
        self._retry_after_s = retry_after_s
        self._waiters: set[W] = set()
        self._polling: asyncio.Task[None] | None = None

    @property
    def waiters(self) -> Collection[W]:
        """Those who wait now."""
        return tuple(self._waiters)

    async def wait(self, waiter: W, timeout_s: float) -> bool:
        """Return whether the waiter was finished in time. Raises what the poll raised, without `retry_after_s`."""
        self._waiters.add(waiter)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._run(), name=self._name)
        try:
            return await waiter.wait(timeout_s)
        finally:
            self._waiters.discard(waiter)

    async def close(self) -> None:
        """Stop polling; who still waits does so until their time is over."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait({self._polling})

    async def _run(self) -> None:
        while self._waiters:
            pause_s = self._interval_s
            try:
                await self._poll(self.waiters)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not leave anybody waiting for nothing
                if self._retry_after_s is None:
                    for waiter in self.waiters:
                        waiter.finish(error)
                    return
                pause_s = self._retry_after_s(error)
            await asyncio.sleep(pause_s)

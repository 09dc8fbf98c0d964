"""One commit for all requests of a turn of the event loop.

A commit writes whole pages, mostly the same ones for neighbouring requests: sharing it takes most of the cost of a
payment away under load, and a lone request does not wait.
"""

import asyncio
import sqlite3
from dataclasses import dataclass, field

from infra.stripe_sandbox.store import Store


@dataclass(kw_only=True, slots=True)
class Commits:
    """Commits what a store holds uncommitted, soon, once for all who wait."""

    store: Store
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    async def done(self) -> None:
        """Return when everything done in the store so far is committed. Raises sqlite3.Error when it is lost."""
        if not self.store.uncommitted:
            return
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)
        # Each has a future of its own: one caller that goes away must not take the commit of the others with it.
        mine = loop.create_future()
        self._waiting.append(mine)
        await mine

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        lost: sqlite3.Error | None = None
        try:
            self.store.commit()
        except sqlite3.Error as error:
            lost = error
        for each in waiting:
            if each.done():
                continue
            if lost is None:
                each.set_result(None)
            else:
                each.set_exception(lost)

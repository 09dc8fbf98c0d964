"""One commit for all requests of a turn of the event loop.

A commit writes whole pages, mostly the same ones for neighbouring requests: sharing it takes most of the cost of a
payment away under load, and a lone request waits for nobody.
"""

import asyncio
import sqlite3
from dataclasses import dataclass

from infra.stripe_sandbox.store import Store


@dataclass(kw_only=True, slots=True)
class Commits:
    """Commits what a store holds uncommitted, soon, once for all who wait."""

    store: Store
    _next: asyncio.Future[None] | None = None

    async def done(self) -> None:
        """Return when everything done in the store so far is committed. Raises sqlite3.Error when it is lost."""
        if not self.store.uncommitted:
            return
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            loop.call_soon(self._commit, self._next)
        # Shielded: one caller that goes away must not take the commit of the others with it.
        await asyncio.shield(self._next)

    def _commit(self, waiting: asyncio.Future[None]) -> None:
        self._next = None
        try:
            self.store.commit()
        except sqlite3.Error as error:
            waiting.set_exception(error)
        else:
            waiting.set_result(None)

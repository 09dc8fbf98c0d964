"""One list of intents for all look-ups at a time: a look-up costs the same however many there are."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from consumers.stripe.translate.ids import PAYMENT_ID
from domain.ids import PaymentId

JsonObject = dict[str, Any]
Listing = Callable[[int, int], AsyncGenerator[JsonObject, None]]
"""Gives the intents that were created between two moments (Unix seconds, both included), newest first."""


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    payment_id: str
    created_from: int
    created_to: int
    found: "asyncio.Future[JsonObject | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def take(self, intent: JsonObject) -> None:
        """Take the intent if it is the one, and give up when the list has passed its time."""
        if self.found.done():
            return  # who looked for it has left
        created = intent["created"]
        if created < self.created_from:
            self.found.set_result(None)
        elif created <= self.created_to and (intent.get("metadata") or {}).get(PAYMENT_ID) == self.payment_id:
            self.found.set_result(intent)


class SharedList:
    """Lists once for all who wait; who comes later waits for the next list, which then shows all of before."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._waiting: list[_Search] = []
        self._looked_for: list[_Search] = []
        self._running: asyncio.Task[None] | None = None

    async def find(self, payment_id: PaymentId, *, created_from: int, created_to: int) -> JsonObject | None:
        """Return the payment's intent by our metadata, among all that were created then. Raises what listing raises."""
        search = _Search(str(payment_id), created_from, created_to)
        self._waiting.append(search)
        if self._running is None:
            # In no payment's context: what is logged meanwhile is not about that one.
            self._running = asyncio.create_task(self._run(), context=contextvars.Context())
        try:
            return await search.found
        finally:
            if self._running is not None and all(each.found.done() for each in (*self._looked_for, *self._waiting)):
                self._running.cancel()  # nobody waits any more; who comes from now on needs another
                self._running = None

    async def _run(self) -> None:
        try:
            while self._waiting:
                self._looked_for, self._waiting = self._waiting, []
                await self._look_for([each for each in self._looked_for if not each.found.done()])
        finally:
            if self._running is asyncio.current_task():
                self._running = None

    async def _look_for(self, searches: list[_Search]) -> None:
        if not searches:
            return
        first, last = min(each.created_from for each in searches), max(each.created_to for each in searches)
        try:
            async with aclosing(self._listing(first, last)) as intents:
                async for intent in intents:
                    for each in searches:
                        each.take(intent)
                    searches = [each for each in searches if not each.found.done()]
                    if not searches:
                        return
        except Exception as error:  # noqa: BLE001 - it is raised in every waiting caller, which knows every kind
            for each in searches:
                if not each.found.done():
                    each.found.set_exception(error)
        for each in searches:
            if not each.found.done():
                each.found.set_result(None)

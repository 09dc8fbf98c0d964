"""Lists of Stripe, a page at a time, newest rows first: https://docs.stripe.com/api/pagination."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import stripe

JsonObject = dict[str, Any]


class List(StrEnum):
    """What is listed: the last part of its path."""

    TRANSACTIONS = "balance_transactions"
    PAYOUTS = "payouts"
    EVENTS = "events"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some rows, newest first, and whether older ones follow."""

    rows: tuple[JsonObject, ...]
    has_more: bool


class CursorGone(Exception):
    """Stripe does not know the row any more after which the page was to begin: list again from the start."""


class Guard(Protocol):
    """What a call goes through: a limit of calls, a breaker."""

    def call(self, endpoint: str | None = None) -> AbstractAsyncContextManager[None]:
        """Wait for a turn to make one call. Raises infra.stripe.guard.errors.NotSent."""


class Lists(Protocol):
    """What the poller needs of Stripe. Raises stripe.StripeError, TimeoutError, NotSent or CursorGone."""

    async def page(self, list_: List, *, created_from: int, after: str | None, limit: int) -> Page:
        """Return the rows that were created then (Unix seconds) or later, and come after a row (None: the newest)."""


class StripeLists:
    """Stripe itself, or its sandbox. A call ends within `timeout_s` of its turn, all its phases together.

    Of events, those of `event_types` are listed: 20 at most.
    """

    def __init__(
        self, client: stripe.StripeClient, guard: Guard, *, timeout_s: float, event_types: Sequence[str] = ()
    ) -> None:
        self._list: Mapping[List, Callable[[Any], Awaitable[Any]]] = {
            List.TRANSACTIONS: client.v1.balance_transactions.list_async,
            List.PAYOUTS: client.v1.payouts.list_async,
            List.EVENTS: client.v1.events.list_async,
        }
        self._event_types = list(event_types)
        self._guard = guard
        self._timeout_s = timeout_s

    async def page(self, list_: List, *, created_from: int, after: str | None, limit: int) -> Page:
        """Return the rows that were created then (Unix seconds) or later, and come after a row (None: the newest)."""
        params: JsonObject = {"limit": limit, "created": {"gte": created_from}}
        if after is not None:
            params["starting_after"] = after
        if list_ is List.EVENTS:
            params["types"] = self._event_types
        try:
            async with self._guard.call(f"list_{list_.value}"), asyncio.timeout(self._timeout_s):
                found = await self._list[list_](params)
        except stripe.InvalidRequestError as error:
            if after is not None and error.param == "starting_after":
                raise CursorGone(after) from error
            raise
        return Page(rows=tuple(each.to_dict() for each in found.data), has_more=bool(found.has_more))

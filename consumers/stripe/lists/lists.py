"""Lists of Stripe, a page at a time, newest rows first: https://docs.stripe.com/api/pagination."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

import stripe

from consumers.stripe.client import GuardedStripe, JsonObject, Page, StripeResource
from infra.stripe.calls import Guard
from infra.stripe.guard.priority import Priority


class StripeList(StrEnum):
    """What is read from its newest row on, and the name of its cursor."""

    TRANSACTIONS = "balance_transactions"
    PAYOUTS = "payouts"
    EVENTS = "events"
    UNDELIVERED_EVENTS = "undelivered_events"
    """Those that a webhook endpoint has not taken, or not yet."""


_RESOURCES: Mapping[StripeList, StripeResource] = MappingProxyType(
    {
        StripeList.TRANSACTIONS: StripeResource.TRANSACTIONS,
        StripeList.PAYOUTS: StripeResource.PAYOUTS,
        StripeList.EVENTS: StripeResource.EVENTS,
        StripeList.UNDELIVERED_EVENTS: StripeResource.EVENTS,
    }
)


class CursorGone(Exception):
    """Stripe does not know the row any more after which the page was to begin: list again from the start."""


class Lists(Protocol):
    """What the poller needs of Stripe. Raises stripe.StripeError, TimeoutError, NotSent or CursorGone."""

    async def page(self, list_: StripeList, *, created_from: int, after: str | None, limit: int) -> Page:
        """Return the rows that were created then (Unix seconds) or later, and come after a row (None: the newest)."""

    async def row(self, list_: StripeList, stripe_id: str) -> JsonObject | None:
        """Return one row by its id; None when Stripe has none."""


class StripeLists:
    """Stripe itself, or its sandbox. Of events, those of `event_types` are listed: 20 at most."""

    def __init__(
        self, client: stripe.StripeClient, guard: Guard, *, timeout_s: float, event_types: Sequence[str] = ()
    ) -> None:
        self._stripe = GuardedStripe(client, guard, timeout_s=timeout_s, reads=Priority.BACKGROUND)
        self._event_types = list(event_types)

    async def page(self, list_: StripeList, *, created_from: int, after: str | None, limit: int) -> Page:
        """Return the rows that were created then (Unix seconds) or later, and come after a row (None: the newest)."""
        params: JsonObject = {"limit": limit, "created": {"gte": created_from}}
        if after is not None:
            params["starting_after"] = after
        if _RESOURCES[list_] is StripeResource.EVENTS:
            params["types"] = self._event_types
        if list_ is StripeList.UNDELIVERED_EVENTS:
            # https://docs.stripe.com/api/events/list#list_events-delivery_success
            params["delivery_success"] = "false"
        try:
            return await self._stripe.page(_RESOURCES[list_], params)
        except stripe.InvalidRequestError as error:
            if after is not None and error.param == "starting_after":
                raise CursorGone(after) from error
            raise

    async def row(self, list_: StripeList, stripe_id: str) -> JsonObject | None:
        """Return one row by its id; None when Stripe has none: an event is there for 30 days."""
        return await self._stripe.find(_RESOURCES[list_], stripe_id)

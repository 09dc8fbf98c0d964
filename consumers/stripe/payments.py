"""A payment at Stripe: the calls that change it, and the ways to find and to read it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import stripe

from consumers.stripe.client import FOREVER, GuardedStripe, JsonObject, LeaseExpired, StripeResource
from consumers.stripe.requests import StripeRequest
from consumers.stripe.shared_list import SharedList
from consumers.stripe.translate.ids import PAYMENT_ID, REFUND_ID
from domain.ids import PaymentId, RefundId, StripeIntentId
from infra.stripe.calls import Guard

_LONG_LIST_S = 3600.0
_CHARGE = "latest_charge"
"""Expanded wherever an intent is read: when a hold ends stands in its charge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StripePayment:
    """A payment as Stripe shows it: the intent with its newest charge, and all refunds and disputes of it."""

    intent: JsonObject
    refunds: tuple[JsonObject, ...]
    disputes: tuple[JsonObject, ...]


class Stripe(Protocol):
    """What the gateway needs of Stripe. Methods raise stripe.StripeError, TimeoutError, NotSent or LeaseExpired.

    `not_after` is in Unix seconds: later than that, no call is begun.
    """

    async def send(self, request: StripeRequest, *, not_after: float = FOREVER) -> JsonObject:
        """Make the call and return the object that it answers."""

    async def find_intent(self, *, intent_id: StripeIntentId | None, payment_id: PaymentId) -> JsonObject | None:
        """Return the payment's intent as it is now, by its id or else by our metadata."""

    async def list_intent(
        self, payment_id: PaymentId, *, created_from: float, created_to: float, not_after: float = FOREVER
    ) -> JsonObject | None:
        """Return the payment's intent by our metadata, among all that were created then (Unix seconds)."""

    async def find_refund(self, *, intent_id: StripeIntentId, refund_id: RefundId) -> JsonObject | None:
        """Return the refund of an intent that carries our id."""

    async def read(self, intent_id: StripeIntentId) -> StripePayment:
        """Return an intent with all that belongs to it."""


class StripeApi:
    """`Stripe` over the API. A call ends within `timeout_s`, all its phases together."""

    def __init__(self, client: stripe.StripeClient, guard: Guard, *, timeout_s: float) -> None:
        self._stripe = GuardedStripe(client, guard, timeout_s=timeout_s)
        self._recent = SharedList(self._created)

    async def send(self, request: StripeRequest, *, not_after: float = FOREVER) -> JsonObject:
        """Make the call and return the object that it answers."""
        return await self._stripe.send(request, not_after=not_after)

    async def find_intent(self, *, intent_id: StripeIntentId | None, payment_id: PaymentId) -> JsonObject | None:
        """Return the payment's intent as it is now, by its id or else by our metadata.

        The search lags behind by up to a minute, and by more while Stripe has trouble, so that nothing follows from
        what it does not find: https://docs.stripe.com/search#data-freshness.
        """
        if intent_id is not None:
            return await self._stripe.retrieve(StripeResource.INTENTS, intent_id, {"expand": [_CHARGE]})
        found = await self._stripe.search_intents(
            {"query": f"metadata['{PAYMENT_ID}']:'{payment_id}'", "limit": 1, "expand": [f"data.{_CHARGE}"]}
        )
        return found[0] if found else None

    async def list_intent(
        self, payment_id: PaymentId, *, created_from: float, created_to: float, not_after: float = FOREVER
    ) -> JsonObject | None:
        """Return the payment's intent by our metadata, among all that were created then (Unix seconds).

        All who look at the same time share one list, unless it is one of hours: none of the others should wait for it.
        """
        is_long = created_to - created_from > _LONG_LIST_S
        within_s = not_after - time.time()
        if within_s <= 0:
            raise LeaseExpired
        list_ = SharedList(self._created) if is_long else self._recent
        # A list that goes on has not failed, however long it takes; but its call must not be begun after the lease.
        over = asyncio.timeout(None if within_s == FOREVER else within_s)
        try:
            async with over:
                return await list_.find(payment_id, created_from=int(created_from), created_to=int(created_to) + 1)
        except TimeoutError:
            if over.expired():
                raise LeaseExpired from None
            raise

    def _created(self, first: int, last: int) -> AsyncGenerator[JsonObject]:
        filters = {"created": {"gte": first, "lte": last}, "expand": [f"data.{_CHARGE}"]}
        return self._stripe.each(StripeResource.INTENTS, filters)

    async def find_refund(self, *, intent_id: StripeIntentId, refund_id: RefundId) -> JsonObject | None:
        """Return the refund of an intent that carries our id. A charge has few refunds, so all are looked at."""
        async for refund in self._stripe.each(StripeResource.REFUNDS, {"payment_intent": intent_id}):
            if (refund.get("metadata") or {}).get(REFUND_ID) == str(refund_id):
                return refund
        return None

    async def read(self, intent_id: StripeIntentId) -> StripePayment:
        """Return an intent with all that belongs to it.

        The intent is read first: a refund or dispute that is newer than what it shows is no contradiction.
        """
        intent = await self._stripe.retrieve(StripeResource.INTENTS, intent_id, {"expand": [_CHARGE]})
        if not intent.get("latest_charge"):
            return StripePayment(intent=intent, refunds=(), disputes=())
        of_intent = {"payment_intent": intent_id}
        return StripePayment(
            intent=intent,
            refunds=tuple([each async for each in self._stripe.each(StripeResource.REFUNDS, of_intent)]),
            disputes=tuple([each async for each in self._stripe.each(StripeResource.DISPUTES, of_intent)]),
        )

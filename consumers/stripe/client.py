"""The only module that calls Stripe. Always with our idempotency key; answers are plain JSON."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import stripe

from consumers.stripe.requests import PAYMENT_ID, REFUND_ID, StripeRequest
from consumers.stripe.shared_list import SharedList
from consumers.tasks.models import TaskOperation

JsonObject = dict[str, Any]

_PAGE = 100  # Stripe's most
_FOREVER = float("inf")
_LONG_LIST_S = 3600.0
_RETRIEVE, _SEARCH = "retrieve_intent", "search_intents"  # endpoints, as Stripe counts them
_URGENT = frozenset({TaskOperation.CREATE_REFUND, TaskOperation.CAPTURE_INTENT})
"""What goes first when calls are scarce: a customer's money waits, or a hold may end."""
_CHARGE = "latest_charge"
"""Expanded wherever an intent is read: when a hold ends stands in its charge."""


class LeaseExpired(Exception):
    """The time for the call was over when its turn came: nothing was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A payment as Stripe shows it: the intent with its newest charge, and all refunds and disputes of it."""

    intent: JsonObject
    refunds: tuple[JsonObject, ...]
    disputes: tuple[JsonObject, ...]


class Guard(Protocol):
    """What a call goes through: a limit of calls, a breaker."""

    def call(
        self, endpoint: str | None = None, *, writes: bool = False, urgent: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """Wait for a turn to make one call. Raises infra.stripe.guard.errors.NotSent."""


class Stripe(Protocol):
    """What the gateway needs of Stripe. Methods raise stripe.StripeError, TimeoutError, NotSent or LeaseExpired.

    `not_after` is in Unix seconds: later than that, no call is begun.
    """

    async def send(self, request: StripeRequest, *, not_after: float = _FOREVER) -> JsonObject:
        """Make the call and return the object that it answers."""

    async def find_intent(self, *, intent_id: str | None, payment_id: UUID) -> JsonObject | None:
        """Return the payment's intent as it is now, by its id or else by our metadata."""

    async def list_intent(
        self, payment_id: UUID, *, created_from: float, created_to: float, not_after: float = _FOREVER
    ) -> JsonObject | None:
        """Return the payment's intent by our metadata, among all that were created then (Unix seconds)."""

    async def find_refund(self, *, intent_id: str, refund_id: UUID) -> JsonObject | None:
        """Return the refund of an intent that carries our id."""

    async def read(self, intent_id: str) -> Reading:
        """Return an intent with all that belongs to it."""


class StripeApi:
    """Stripe itself, or its sandbox. A call ends within `timeout_s` of its turn, all its phases together."""

    def __init__(self, client: stripe.StripeClient, guard: Guard, *, timeout_s: float) -> None:
        self._v1 = client.v1
        self._guard = guard
        self._timeout_s = timeout_s
        self._recent = SharedList(self._created)

    async def send(self, request: StripeRequest, *, not_after: float = _FOREVER) -> JsonObject:
        """Make the call and return the object that it answers."""
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        params: Any = request.params
        intents = self._v1.payment_intents
        intent_id = request.intent_id or ""
        operation = request.operation
        async with self._turn(operation.value, not_after, writes=True, urgent=operation in _URGENT):
            answer: stripe.PaymentIntent | stripe.Refund
            match operation:
                case TaskOperation.CREATE_INTENT:
                    answer = await intents.create_async(params, options)
                case TaskOperation.CONFIRM_INTENT:
                    answer = await intents.confirm_async(intent_id, params, options)
                case TaskOperation.CAPTURE_INTENT:
                    answer = await intents.capture_async(intent_id, params, options)
                case TaskOperation.CANCEL_INTENT:
                    answer = await intents.cancel_async(intent_id, params, options)
                case TaskOperation.CREATE_REFUND:
                    answer = await self._v1.refunds.create_async(params, options)
                case TaskOperation.REFRESH_PAYMENT:
                    raise ValueError("a refresh sends nothing")
        return answer.to_dict()

    async def find_intent(self, *, intent_id: str | None, payment_id: UUID) -> JsonObject | None:
        """Return the payment's intent as it is now, by its id or else by our metadata.

        The search lags behind by up to a minute, and by more while Stripe has trouble, so that nothing follows from
        what it does not find: https://docs.stripe.com/search#data-freshness.
        """
        if intent_id is not None:
            async with self._turn(_RETRIEVE):
                found = await self._v1.payment_intents.retrieve_async(intent_id, {"expand": [_CHARGE]})
            return found.to_dict()
        async with self._turn(_SEARCH):
            result = await self._v1.payment_intents.search_async(
                {"query": f"metadata['{PAYMENT_ID}']:'{payment_id}'", "limit": 1, "expand": [f"data.{_CHARGE}"]}
            )
        return result.data[0].to_dict() if result.data else None

    async def list_intent(
        self, payment_id: UUID, *, created_from: float, created_to: float, not_after: float = _FOREVER
    ) -> JsonObject | None:
        """Return the payment's intent by our metadata, among all that were created then (Unix seconds).

        All who look at the same time share one list, unless it is one of hours: none of the others should wait for it.
        """
        wanted = {"created_from": int(created_from), "created_to": int(created_to) + 1}
        is_long = created_to - created_from > _LONG_LIST_S
        within_s = not_after - time.time()
        if within_s <= 0:
            raise LeaseExpired
        list_ = SharedList(self._created) if is_long else self._recent
        # A list that goes on has not failed, however long it takes; but its call must not be begun after the lease.
        over = asyncio.timeout(None if within_s == _FOREVER else within_s)
        try:
            async with over:
                return await list_.find(payment_id, **wanted)
        except TimeoutError:
            if over.expired():
                raise LeaseExpired from None
            raise

    def _created(self, first: int, last: int) -> AsyncGenerator[JsonObject, None]:
        filters = {"created": {"gte": first, "lte": last}, "expand": [f"data.{_CHARGE}"]}
        return self._pages("list_intents", self._v1.payment_intents.list_async, filters)

    async def find_refund(self, *, intent_id: str, refund_id: UUID) -> JsonObject | None:
        """Return the refund of an intent that carries our id. A charge has few refunds, so all are looked at."""
        async for refund in self._refunds({"payment_intent": intent_id}):
            if (refund.get("metadata") or {}).get(REFUND_ID) == str(refund_id):
                return refund
        return None

    async def read(self, intent_id: str) -> Reading:
        """Return an intent with all that belongs to it.

        The intent is read first: a refund or dispute that is newer than what it shows is no contradiction.
        """
        async with self._turn(_RETRIEVE):
            found = await self._v1.payment_intents.retrieve_async(intent_id, {"expand": [_CHARGE]})
        intent = found.to_dict()
        if not intent.get("latest_charge"):
            return Reading(intent=intent, refunds=(), disputes=())
        of_intent = {"payment_intent": intent_id}
        return Reading(
            intent=intent,
            refunds=tuple([each async for each in self._refunds(of_intent)]),
            disputes=tuple(
                [each async for each in self._pages("list_disputes", self._v1.disputes.list_async, of_intent)]
            ),
        )

    def _refunds(self, filters: Mapping[str, Any]) -> AsyncGenerator[JsonObject, None]:
        return self._pages("list_refunds", self._v1.refunds.list_async, filters)

    @asynccontextmanager
    async def _turn(
        self, endpoint: str, not_after: float = _FOREVER, *, writes: bool = False, urgent: bool = False
    ) -> AsyncIterator[None]:
        async with self._guard.call(endpoint, writes=writes, urgent=urgent), asyncio.timeout(self._timeout_s):
            if time.time() > not_after:
                raise LeaseExpired
            yield

    async def _pages(
        self,
        endpoint: str,
        list_: Callable[[Any], Awaitable[Any]],
        filters: Mapping[str, Any],
    ) -> AsyncGenerator[JsonObject]:
        """Give all objects of a list, newest first. Each page is a call of its own."""
        params = {**filters, "limit": _PAGE}
        while True:
            async with self._turn(endpoint):
                page = await list_(params)
            for each in page.data:
                yield each.to_dict()
            if not page.has_more or not page.data:
                return
            params["starting_after"] = page.data[-1].id

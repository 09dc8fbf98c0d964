"""What consumers call of Stripe: changes once, with their keys; reads and lists, tried again; answers are JSON.

Not for: what is asked and what an answer means (`payments`, `lists`, reconciliation's statement; `translate`).
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import stripe
import structlog

from consumers.stripe.requests import StripeRequest
from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.ids import listed_id_of
from consumers.tasks.models import TaskOperation
from infra.backoff import Backoff, Pauses
from infra.stripe.calls import Guard, StripeCalls
from infra.stripe.guard.errors import NotSent
from infra.stripe.guard.priority import Priority

log = structlog.get_logger(__name__)

JsonObject = dict[str, Any]

FOREVER = float("inf")
PAGE = 100  # Stripe's most
_URGENT = frozenset({TaskOperation.CREATE_REFUND, TaskOperation.CAPTURE_INTENT})
"""What goes first when calls are scarce: a customer's money waits, or a hold may end."""
_ACTIONS: Mapping[TaskOperation, str] = {
    TaskOperation.CONFIRM_INTENT: "confirm",
    TaskOperation.CAPTURE_INTENT: "capture",
    TaskOperation.CANCEL_INTENT: "cancel",
}
_NOT_FOUND, _CONFLICT, _TOO_MANY, _SERVER_ERRORS = 404, 409, 429, 500


class StripeResource(StrEnum):
    """What is read: the last part of its path."""

    INTENTS = "payment_intents"
    CHARGES = "charges"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    TRANSACTIONS = "balance_transactions"
    PAYOUTS = "payouts"
    EVENTS = "events"


class LeaseExpired(Exception):
    """The time for the call was over before it could be made: nothing was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some rows, newest first, and whether older ones follow."""

    rows: tuple[JsonObject, ...]
    has_more: bool

    @property
    def last_id(self) -> str | None:
        """The id after which the next page begins: of the last row that has one."""
        return next((found for row in reversed(self.rows) if (found := listed_id_of(row)) is not None), None)

    @property
    def leads_nowhere(self) -> bool:
        """Whether others follow that cannot be asked for: none of its rows has an id."""
        return self.has_more and bool(self.rows) and self.last_id is None

    def require_way_on(self, name: str) -> None:
        """Raise UnexpectedObject for a page of the named list that leads nowhere."""
        if self.leads_nowhere:
            raise UnexpectedObject(f"no row of a page of {name} has an id: it cannot be read on from there")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadRetries:
    """How often a read is tried in all, and how long it is waited in between."""

    attempts: int
    backoff: Backoff


_ONCE = ReadRetries(attempts=1, backoff=Backoff(first_s=0.0, longest_s=0.0))


class GuardedStripe:
    """Stripe itself, or its sandbox. A call ends within `timeout_s`, all its phases together.

    Methods raise stripe.StripeError, TimeoutError or NotSent; reads, which have the priority `reads`, do so after
    `retries`. `answered` is called whenever Stripe has answered.
    """

    def __init__(
        self,
        client: stripe.StripeClient,
        guard: Guard,
        *,
        timeout_s: float,
        reads: Priority = Priority.NORMAL,
        retries: ReadRetries = _ONCE,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self._calls = StripeCalls(client, guard, timeout_s=timeout_s)
        self._reads = reads
        self._retries = retries
        self._answered = answered

    async def send(self, request: StripeRequest, *, not_after: float = FOREVER) -> JsonObject:
        """Make a call that changes something, once, with its key. Raises LeaseExpired after `not_after` (Unix s)."""
        path = _path_of(request)
        operation = request.operation
        priority = Priority.URGENT if operation in _URGENT else Priority.NORMAL
        async with self._calls.guarded(operation.value, writes=True, priority=priority):
            if time.time() > not_after:
                raise LeaseExpired
            return await self._calls.request("post", path, request.params, idempotency_key=request.idempotency_key)

    async def retrieve(
        self, resource: StripeResource, object_id: str, params: Mapping[str, Any] | None = None
    ) -> JsonObject:
        """Return an object as Stripe shows it. Raises stripe.InvalidRequestError when there is none."""
        path = f"{_path(resource)}/{quote(object_id, safe='')}"
        return await self._read(f"retrieve_{resource.value}", path, params or {})

    async def find(self, resource: StripeResource, object_id: str) -> JsonObject | None:
        """Return an object; None when there is none with this id."""
        try:
            return await self.retrieve(resource, object_id)
        except stripe.InvalidRequestError as error:
            if error.http_status == _NOT_FOUND:
                return None
            raise

    async def search_intents(self, params: Mapping[str, Any]) -> list[JsonObject]:
        """Return the first page of a search: https://docs.stripe.com/search."""
        path = f"{_path(StripeResource.INTENTS)}/search"
        found = await self._read("search_payment_intents", path, params)
        return list(found["data"])

    async def page(self, resource: StripeResource, params: Mapping[str, Any]) -> Page:
        """Return a page of a list, whose rows may be of any shape. Raises UnexpectedObject for what is no page."""
        found = await self._read(f"list_{resource.value}", _path(resource), params)
        rows, has_more = found.get("data"), found.get("has_more")
        if not isinstance(rows, list) or not isinstance(has_more, bool):
            raise UnexpectedObject(f"what lists {resource.value} is no list")
        return Page(rows=tuple(rows), has_more=has_more)

    async def pages(self, resource: StripeResource, filters: Mapping[str, Any]) -> AsyncGenerator[Page]:
        """Give a list page by page, newest first: what is made meanwhile moves nothing. Each page is a call.

        Raises UnexpectedObject where no row of a page has an id after which it could go on.
        """
        params = {**filters, "limit": PAGE}
        while True:
            page = await self.page(resource, params)
            if page.rows:
                yield page
            if not page.has_more or not page.rows:
                return
            page.require_way_on(resource.value)
            params["starting_after"] = page.last_id

    async def each(self, resource: StripeResource, filters: Mapping[str, Any]) -> AsyncGenerator[JsonObject]:
        """Give all objects of a list, newest first."""
        async for page in self.pages(resource, filters):
            for row in page.rows:
                yield row

    async def _read(self, endpoint: str, path: str, params: Mapping[str, Any]) -> JsonObject:
        pauses = Pauses(self._retries.backoff)
        for tries_left in reversed(range(self._retries.attempts)):
            try:
                async with self._calls.guarded(endpoint, priority=self._reads):
                    answer = await self._calls.request("get", path, params)
            except (stripe.StripeError, TimeoutError, NotSent) as error:
                if not tries_left or not _may_pass(error):
                    raise
                log.info("stripe_read_retried", endpoint=endpoint, error=type(error).__name__, tries_left=tries_left)
                pause_s = pauses.failed()
                await asyncio.sleep(max(pause_s, error.wait_s) if isinstance(error, NotSent) else pause_s)
            else:
                self._answered()
                return answer
        raise AssertionError("the last try returns or raises")


def _path(resource: StripeResource) -> str:
    return f"/v1/{resource.value}"


def _path_of(request: StripeRequest) -> str:
    """Return where a call that changes something goes: https://docs.stripe.com/api/payment_intents."""
    intents = _path(StripeResource.INTENTS)
    match request.operation:
        case TaskOperation.CREATE_INTENT:
            return intents
        case TaskOperation.CREATE_REFUND:
            return _path(StripeResource.REFUNDS)
        case TaskOperation.REFRESH_PAYMENT:
            raise ValueError("a refresh sends nothing")
        case operation:
            assert request.intent_id is not None, "which intent?"
            return f"{intents}/{quote(request.intent_id, safe='')}/{_ACTIONS[operation]}"


def _may_pass(error: Exception) -> bool:
    """Whether the same read may go well later."""
    if not isinstance(error, stripe.StripeError) or isinstance(error, stripe.APIConnectionError):
        return True
    status = error.http_status or _SERVER_ERRORS
    return status >= _SERVER_ERRORS or status in {_CONFLICT, _TOO_MANY}

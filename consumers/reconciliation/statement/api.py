"""Stripe's own statement, read through the guard: each page is a call, and no transaction is open meanwhile.

https://docs.stripe.com/api/balance_transactions
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

import stripe
import structlog

from consumers.reconciliation.statement.statement import Owner
from consumers.stripe.requests import PAYMENT_ID
from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId, PayoutId, StripeIntentId
from domain.reconciliation.rows import PayoutSum, StripeRow
from infra.stripe.guard.errors import NotSent

log = structlog.get_logger(__name__)

JsonObject = Mapping[str, Any]
T = TypeVar("T")

_PAGE = 100  # Stripe's most
_TRIES = 8
_BACKOFF_S = (0.5, 15.0)
_NOT_FOUND, _CONFLICT, _TOO_MANY, _SERVER_ERRORS = 404, 409, 429, 500
_TRANSACTION = "txn_"
_CHARGES, _REFUNDS, _DISPUTES = ("ch_", "py_"), ("re_", "pyr_"), ("du_", "dp_")
_OF_PAYOUTS = frozenset({"payout", "payout_reversal"})


class Guard(Protocol):
    """What a call goes through: a limit of calls, a breaker."""

    def call(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn to make one call. Raises infra.stripe.guard.errors.NotSent."""


class ApiStatement:
    """`StripeStatement` over the API. Methods raise stripe.StripeError, TimeoutError or NotSent after many tries."""

    def __init__(
        self,
        client: stripe.StripeClient,
        guard: Guard,
        *,
        timeout_s: float,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        """`heartbeat` is called whenever Stripe has answered."""
        self._v1 = client.v1
        self._guard = guard
        self._timeout_s = timeout_s
        self._heartbeat = heartbeat

    async def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:
        """Give all rows that were made then, newest first, page by page."""
        made = {"created": {"gte": first, "lt": last}}
        async for page in self._pages(self._v1.balance_transactions.list_async, made):
            yield [row_of(each) for each in page]

    async def rows_of(self, source_id: BalanceSourceId) -> Sequence[StripeRow]:
        """Return all rows of a source.

        Those of a dispute are in the dispute: the filter `source` finds none of them, as was seen at Stripe.
        https://docs.stripe.com/api/disputes/object#dispute_object-balance_transactions
        """
        if source_id.startswith(_TRANSACTION):  # a row without a source is its own source
            found = await self.transaction(BalanceTransactionId(source_id))
            return [] if found is None else [row_of(found)]
        if source_id.startswith(_DISPUTES):
            dispute = await self._find(lambda: self._v1.disputes.retrieve_async(source_id))
            return [] if dispute is None else [row_of(each) for each in dispute["balance_transactions"]]
        rows: list[StripeRow] = []
        async for page in self._pages(self._v1.balance_transactions.list_async, {"source": source_id}):
            rows += [row_of(each) for each in page]
        return rows

    async def transaction(self, transaction_id: BalanceTransactionId) -> JsonObject | None:
        """Return one row as Stripe writes it."""
        return await self._find(lambda: self._v1.balance_transactions.retrieve_async(transaction_id))

    async def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:
        """Give the automatic payouts that were made then: of others, Stripe does not say what they pay."""
        made = {"created": {"gte": first, "lt": last}}
        async for page in self._pages(self._v1.payouts.list_async, made):
            for each in page:
                if each["automatic"]:
                    yield await self._summed(each)

    async def payout(self, payout_id: PayoutId) -> PayoutSum | None:
        """Return one payout; None for one that is not automatic."""
        found = await self._find(lambda: self._v1.payouts.retrieve_async(payout_id))
        return None if found is None or not found["automatic"] else await self._summed(found)

    async def paid_by(self, payout_id: PayoutId) -> AsyncIterator[Sequence[StripeRow]]:
        """Give the rows that an automatic payout pays, newest first, page by page."""
        async for page in self._pages(self._v1.balance_transactions.list_async, {"payout": payout_id}):
            yield [row_of(each) for each in page if each["reporting_category"] not in _OF_PAYOUTS]

    async def owner_of(self, source_id: BalanceSourceId) -> Owner | None:
        """Return whose a charge, refund or dispute is."""
        v1 = self._v1
        found: JsonObject | None = None
        if source_id.startswith(_CHARGES):
            found = await self._find(lambda: v1.charges.retrieve_async(source_id))
        elif source_id.startswith(_REFUNDS):
            found = await self._find(lambda: v1.refunds.retrieve_async(source_id))
        elif source_id.startswith(_DISPUTES):
            found = await self._find(lambda: v1.disputes.retrieve_async(source_id))
        if found is None:
            return None
        payment_id = _payment_id(found.get("metadata"))
        charge_id = _id_of(found.get("charge"))
        if payment_id is None and charge_id is not None:
            # What others make of a payment of ours (a dispute, a refund in the dashboard) has no metadata of ours.
            charge = await self._find(lambda: v1.charges.retrieve_async(charge_id))
            payment_id = None if charge is None else _payment_id(charge.get("metadata"))
        intent_id = _id_of(found.get("payment_intent"))
        return Owner(intent_id=None if intent_id is None else StripeIntentId(intent_id), payment_id=payment_id)

    async def _summed(self, payout: JsonObject) -> PayoutSum:
        items = net = 0
        async for rows in self.paid_by(PayoutId(payout["id"])):
            items += len(rows)
            net += sum(row.amount - row.fee for row in rows)
        return PayoutSum(
            payout_id=PayoutId(payout["id"]),
            amount=payout["amount"],
            currency=payout["currency"].upper(),
            created=payout["created"],
            items=items,
            items_net=net,
            final=payout.get("reconciliation_status") == "completed",
        )

    async def _pages(
        self, list_: Callable[[Any], Awaitable[Any]], filters: Mapping[str, Any]
    ) -> AsyncIterator[list[JsonObject]]:
        """Give a list page by page, newest first: what is made meanwhile moves nothing."""
        params: dict[str, Any] = {**filters, "limit": _PAGE}
        while True:
            page = await self._call(partial(list_, params))
            if page.data:
                yield [each.to_dict() for each in page.data]
            if not page.has_more or not page.data:
                return
            params = {**params, "starting_after": page.data[-1].id}

    async def _find(self, retrieve: Callable[[], Awaitable[Any]]) -> JsonObject | None:
        try:
            found: JsonObject = (await self._call(retrieve)).to_dict()
        except stripe.InvalidRequestError as error:
            if error.http_status == _NOT_FOUND:
                return None
            raise
        return found

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        delay, longest = _BACKOFF_S
        for tries_left in reversed(range(_TRIES)):
            try:
                async with self._guard.call(), asyncio.timeout(self._timeout_s):
                    answer = await call()
            except (stripe.StripeError, TimeoutError, NotSent) as error:
                if not tries_left or not _may_pass(error):
                    raise
                log.info("reconciliation_reads_again", error=type(error).__name__, tries_left=tries_left)
                pause = max(delay, error.wait_s) if isinstance(error, NotSent) else delay
            else:
                self._heartbeat()
                return answer
            await asyncio.sleep(pause)
            delay = min(delay * 2, longest)
        raise AssertionError("the last try returns or raises")


def row_of(transaction: JsonObject) -> StripeRow:
    """Return a balance transaction as a row."""
    rate = transaction.get("exchange_rate")
    return StripeRow(
        source_id=BalanceSourceId(_id_of(transaction.get("source")) or transaction["id"]),
        category=transaction["reporting_category"],
        transaction_id=BalanceTransactionId(transaction["id"]),
        amount=transaction["amount"],
        fee=transaction["fee"],
        currency=transaction["currency"].upper(),
        created=transaction["created"],
        exchange_rate=None if rate is None else str(rate),
    )


def _may_pass(error: Exception) -> bool:
    """Whether the same read may go well later."""
    if not isinstance(error, stripe.StripeError) or isinstance(error, stripe.APIConnectionError):
        return True
    status = error.http_status or _SERVER_ERRORS
    return status >= _SERVER_ERRORS or status in {_CONFLICT, _TOO_MANY}


def _id_of(found: Any) -> str | None:
    """Return the id of an object that may be expanded."""
    identifier = found.get("id") if isinstance(found, Mapping) else found
    return identifier if isinstance(identifier, str) else None


def _payment_id(metadata: Any) -> PaymentId | None:
    found = metadata.get(PAYMENT_ID) if isinstance(metadata, Mapping) else None
    try:
        return PaymentId(UUID(found)) if isinstance(found, str) else None
    except ValueError:
        return None

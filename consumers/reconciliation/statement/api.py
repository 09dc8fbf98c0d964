"""Stripe's own statement, read through the guard: each page is a call, and no transaction is open meanwhile.

https://docs.stripe.com/api/balance_transactions
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import stripe

from consumers.reconciliation.statement.statement import Owner
from consumers.stripe.client import GuardedStripe, ReadRetries, StripeResource
from consumers.stripe.lists.lists import StripeList
from consumers.stripe.lists.poll import say_left_out
from consumers.stripe.translate.balance import statement_payout_of, statement_row_of
from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.ids import id_of, payment_id_of
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId, StripeIntentId
from domain.money import SignedMoney
from domain.reconciliation.rows import PayoutSum, StripeRow
from domain.stripe_balance import is_payout_itself
from infra.backoff import Backoff
from infra.stripe.calls import Guard
from infra.stripe.guard.priority import Priority

JsonObject = Mapping[str, Any]

_RETRIES = ReadRetries(attempts=8, backoff=Backoff(first_s=0.5, longest_s=15.0))
_TRANSACTION = "txn_"
_CHARGES, _REFUNDS, _DISPUTES = ("ch_", "py_"), ("re_", "pyr_"), ("du_", "dp_")

Read = TypeVar("Read")


class ApiStatement:
    """`StripeStatement` over the API. Methods raise stripe.StripeError, TimeoutError or NotSent after many tries.

    A row of a list that cannot be read holds up no other: it is left out, named in the log and counted.
    """

    def __init__(
        self,
        client: stripe.StripeClient,
        guard: Guard,
        *,
        timeout_s: float,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        """`heartbeat` is called whenever Stripe has answered."""
        self._stripe = GuardedStripe(
            client, guard, timeout_s=timeout_s, reads=Priority.BACKGROUND, retries=_RETRIES, answered=heartbeat
        )

    async def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:
        """Give all rows that were made then, newest first, page by page."""
        made = {"created": {"gte": first, "lt": last}}
        async for page in self._stripe.pages(StripeResource.TRANSACTIONS, made):
            yield _readable(page.rows)

    async def rows_of(self, source_id: BalanceSourceId) -> Sequence[StripeRow]:
        """Return all rows of a source.

        Those of a dispute are in the dispute: the filter `source` finds none of them, as was seen at Stripe.
        https://docs.stripe.com/api/disputes/object#dispute_object-balance_transactions
        """
        if source_id.startswith(_TRANSACTION):  # a row without a source is its own source
            found = await self.transaction(BalanceTransactionId(source_id))
            return [] if found is None else _readable([found])
        if source_id.startswith(_DISPUTES):
            dispute = await self._stripe.find(StripeResource.DISPUTES, source_id)
            return [] if dispute is None else _readable(dispute["balance_transactions"])
        rows: list[StripeRow] = []
        async for page in self._stripe.pages(StripeResource.TRANSACTIONS, {"source": source_id}):
            rows += _readable(page.rows)
        return rows

    async def transaction(self, transaction_id: BalanceTransactionId) -> JsonObject | None:
        """Return one row as Stripe writes it."""
        return await self._stripe.find(StripeResource.TRANSACTIONS, transaction_id)

    async def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:
        """Give the automatic payouts that were made then: of others, Stripe does not say what they pay."""
        made = {"created": {"gte": first, "lt": last}}
        async for page in self._stripe.pages(StripeResource.PAYOUTS, made):
            for each in _read_each(StripeList.PAYOUTS, page.rows, statement_payout_of):
                if each is not None:
                    yield await self._summed(each)

    async def payout(self, payout_id: PayoutId) -> PayoutSum | None:
        """Return one payout; None for one that is not automatic."""
        found = await self._stripe.find(StripeResource.PAYOUTS, payout_id)
        read = None if found is None else statement_payout_of(found)
        return None if read is None else await self._summed(read)

    async def paid_by(self, payout_id: PayoutId) -> AsyncIterator[Sequence[StripeRow]]:
        """Give the rows that an automatic payout pays, newest first, page by page."""
        async for page in self._stripe.pages(StripeResource.TRANSACTIONS, {"payout": payout_id}):
            yield [
                row
                for row in _readable(page.rows)
                if not is_payout_itself(payout_id, source_id=row.source_id, category=row.category)
            ]

    async def owner_of(self, source_id: BalanceSourceId) -> Owner | None:
        """Return whose a charge, refund or dispute is."""
        found: JsonObject | None = None
        if source_id.startswith(_CHARGES):
            found = await self._stripe.find(StripeResource.CHARGES, source_id)
        elif source_id.startswith(_REFUNDS):
            found = await self._stripe.find(StripeResource.REFUNDS, source_id)
        elif source_id.startswith(_DISPUTES):
            found = await self._stripe.find(StripeResource.DISPUTES, source_id)
        if found is None:
            return None
        payment_id = payment_id_of(found.get("metadata"))
        charge_id = id_of(found.get("charge"))
        if payment_id is None and charge_id is not None:
            # What others make of a payment of ours (a dispute, a refund in the dashboard) has no metadata of ours.
            charge = await self._stripe.find(StripeResource.CHARGES, charge_id)
            payment_id = None if charge is None else payment_id_of(charge.get("metadata"))
        intent_id = id_of(found.get("payment_intent"))
        return Owner(intent_id=None if intent_id is None else StripeIntentId(intent_id), payment_id=payment_id)

    async def _summed(self, payout: PayoutSum) -> PayoutSum:
        items = net = 0
        async for rows in self.paid_by(payout.payout_id):
            items += len(rows)
            net += sum(row.amount - row.fee for row in rows)
        items_net = SignedMoney(amount_cents=net, currency=payout.amount.currency)
        return replace(payout, items=items, items_net=items_net)


def _readable(rows: Iterable[JsonObject]) -> list[StripeRow]:
    return list(_read_each(StripeList.TRANSACTIONS, rows, statement_row_of))


def _read_each(list_: StripeList, rows: Iterable[JsonObject], read: Callable[[JsonObject], Read]) -> Iterator[Read]:
    for row in rows:
        try:
            found = read(row)
        except UnexpectedObject as error:
            say_left_out(list_, row, error)
        else:
            yield found

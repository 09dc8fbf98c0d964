"""A statement in memory; the same contract tests run against it and the one that is read over the API.

For tests only.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from consumers.reconciliation.statement.statement import Owner
from consumers.stripe.translate.balance import statement_row_of
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.reconciliation.rows import PayoutSum, StripeRow


@dataclass
class MemoryStatement:
    """`StripeStatement`; `before_page` is awaited before each page of them."""

    stripe: list[StripeRow] = field(default_factory=list)
    payout_sums: list[PayoutSum] = field(default_factory=list)
    owners: dict[str, Owner] = field(default_factory=dict)
    page: int = 100
    before_page: Callable[[], Awaitable[None]] | None = None
    transactions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows as Stripe writes them."""
    looked_up: list[str] = field(default_factory=list)

    def write(self, transaction: Mapping[str, Any], owner: Owner | None = None) -> None:
        """Have a row that Stripe writes so, of a source that is somebody's."""
        row = statement_row_of(transaction)
        self.stripe.append(row)
        self.transactions[row.transaction_id] = dict(transaction)
        if owner is not None:
            self.owners[row.source_id] = owner

    async def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:
        """Give all rows that were made then, page by page."""
        rows = [row for row in self.stripe if first <= row.created < last]
        for at in range(0, len(rows), self.page):
            if self.before_page is not None:
                await self.before_page()
            await asyncio.sleep(0)
            yield rows[at : at + self.page]

    async def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:
        """Give the payouts that were made then."""
        for payout in self.payout_sums:
            if first <= payout.created < last:
                yield payout

    async def rows_of(self, source_id: BalanceSourceId) -> Sequence[StripeRow]:
        """Return all rows of a source, or the row of this id."""
        self.looked_up.append(source_id)
        return [row for row in self.stripe if source_id in {row.source_id, row.transaction_id}]

    async def transaction(self, transaction_id: BalanceTransactionId) -> dict[str, Any] | None:
        """Return one row as Stripe writes it."""
        return self.transactions.get(transaction_id)

    async def payout(self, payout_id: PayoutId) -> PayoutSum | None:
        """Return one payout."""
        return next((each for each in self.payout_sums if each.payout_id == payout_id), None)

    async def owner_of(self, source_id: BalanceSourceId) -> Owner | None:
        """Return whose a source is."""
        return self.owners.get(source_id)

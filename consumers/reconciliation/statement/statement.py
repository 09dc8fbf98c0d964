"""The statement that a run compares with the ledger: Stripe's API, or a report in a file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId, PayoutId, StripeIntentId
from domain.reconciliation.rows import PayoutSum, StripeRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose a source is, as Stripe says: the intent of its payment, and our id in its metadata."""

    intent_id: StripeIntentId | None
    payment_id: PaymentId | None


class StripeStatement(Protocol):
    """Moments are in Unix seconds: from `first` until before `last`."""

    def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:
        """Give all rows that were made then, in no order, page by page."""

    def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:
        """Give the payouts that were made then and pay transactions that can be told."""

    async def rows_of(self, source_id: BalanceSourceId) -> Sequence[StripeRow]:
        """Return all rows of a source, whenever they were made."""

    async def transaction(self, transaction_id: BalanceTransactionId) -> Mapping[str, Any] | None:
        """Return one row as Stripe writes it."""

    async def payout(self, payout_id: PayoutId) -> PayoutSum | None:
        """Return one such payout by its id, if there is one."""

    async def owner_of(self, source_id: BalanceSourceId) -> Owner | None:
        """Return whose a charge, refund or dispute is; None for anything else."""

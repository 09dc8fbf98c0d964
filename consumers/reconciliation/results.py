"""The results of a reconciliation as finance sees them: totals, discrepancies and payouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.ids import BalanceSourceId, BalanceTransactionId, DiscrepancyId, PaymentId, PayoutId, RunId
from infra.errors import InfraError


class ReconciliationRefused(InfraError):
    """The request cannot be carried out; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedDiscrepancy:
    """A discrepancy as finance sees it. Amounts are in the currency's smallest unit; None: the side lacks the row."""

    discrepancy_id: DiscrepancyId
    date: date
    kind: str
    source_id: BalanceSourceId
    category: str
    status: str
    payment_id: PaymentId | None
    stripe_amount: int | None
    stripe_currency: str | None
    stripe_fee: int | None
    ledger_amount: int | None
    ledger_currency: str | None
    ledger_fee: int | None
    actor: str | None
    reason: str | None
    opened_at: datetime
    found: int
    """How many there are in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrencyLine:
    """The totals of both sides of a day in one currency."""

    currency: str
    stripe_rows: int
    stripe_amount: int
    stripe_fee: int
    ledger_rows: int
    ledger_amount: int
    ledger_fee: int
    foreign_rows: int = 0
    """Of Stripe's rows, those of another system in the same account."""
    foreign_amount: int = 0
    foreign_fee: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciliationResult:
    """What a run came to, and what is open of its day."""

    reconciliation_id: RunId
    number: int
    date: date
    time_zone: str
    report: str | None
    failure: str | None
    """Why there is no result."""
    totals: Sequence[CurrencyLine]
    found: Mapping[str, int]
    opened: int
    resolved: int
    backfilled: int
    payouts: int
    open: Sequence[ListedDiscrepancy]
    open_elsewhere: int
    """How many discrepancies of other days are open."""
    repeated: int = 0
    """How many rows a report has once more; they count once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaidItem:
    """A transaction that a payout pays: what it comes to at Stripe, and in the ledger (None: the ledger lacks it)."""

    transaction_id: BalanceTransactionId
    source_id: BalanceSourceId
    category: str
    currency: str
    payment_id: PaymentId | None
    stripe_net: int
    ledger_net: int | None
    compared: bool = True
    """False: of several rows of one kind and source, this is another one than the ledger shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payout:
    """A payout with all that it pays. `final`: Stripe says that the list is complete."""

    payout_id: PayoutId
    amount: int
    currency: str
    created: datetime
    final: bool
    items: Sequence[PaidItem]

    @property
    def agrees(self) -> bool:
        """Whether it is the sum of what it pays, at Stripe and in the ledger."""
        return sum(each.stripe_net for each in self.items) == self.amount and all(
            each.stripe_net == each.ledger_net for each in self.items if each.compared
        )

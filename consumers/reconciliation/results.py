"""The results of a reconciliation as finance sees them: totals, discrepancies and payouts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.ids import BalanceSourceId, BalanceTransactionId, DiscrepancyId, PaymentId, PayoutId, RunId
from domain.money import SignedMoney
from domain.reconciliation.values import CurrencyTotals
from infra.errors import InfraError, Missing, WrongOption


class ReconciliationRefused(InfraError):
    """The request cannot be carried out; nothing was changed."""


class WrongDiscrepancyFilter(ReconciliationRefused, WrongOption):
    """There is no such status, or kind."""


class NoSuchDiscrepancy(ReconciliationRefused, Missing):
    """There is no discrepancy of that id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedEntry:
    """What one side says; the fee is None where none is recorded yet."""

    amount: SignedMoney
    fee: SignedMoney | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedDiscrepancy:
    """A discrepancy as finance sees it. A side that lacks the row has no entry."""

    discrepancy_id: DiscrepancyId
    date: date
    kind: str
    source_id: BalanceSourceId
    category: str
    status: str
    payment_id: PaymentId | None
    stripe: ListedEntry | None
    ledger: ListedEntry | None
    actor: str | None
    reason: str | None
    opened_at: datetime
    found: int
    """How many there are in all."""


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
    totals: Sequence[CurrencyTotals]
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
    payment_id: PaymentId | None
    stripe_net: SignedMoney
    ledger_net: SignedMoney | None
    compared: bool = True
    """False: of several rows of one kind and source, this is another one than the ledger shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payout:
    """A payout with all that it pays. `final`: Stripe says that the list is complete."""

    payout_id: PayoutId
    amount: SignedMoney
    created: datetime
    final: bool
    items: Sequence[PaidItem]

    @property
    def agrees(self) -> bool:
        """Whether it is the sum of what it pays, at Stripe and in the ledger."""
        return self.stripe_sum == self.amount and all(
            each.stripe_net.currency == self.amount.currency
            and (each.stripe_net == each.ledger_net or not each.compared)
            for each in self.items
        )

    @property
    def stripe_sum(self) -> SignedMoney:
        """What the items come to at Stripe."""
        return self._sum(each.stripe_net for each in self.items)

    @property
    def ledger_sum(self) -> SignedMoney:
        """What those of the items that the ledger has come to there."""
        return self._sum(each.ledger_net for each in self.items if each.ledger_net is not None)

    def _sum(self, amounts: Iterable[SignedMoney]) -> SignedMoney:
        """Add what is in the payout's currency, as all of it should be."""
        nothing = SignedMoney(amount_cents=0, currency=self.amount.currency)
        return sum((each for each in amounts if each.currency == nothing.currency), nothing)

"""The words of reconciliation: what can differ, and how it is said.

`Entry` and `CurrencyTotals` stand in published events, which have plain numbers beside the currency.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID, uuid5

from domain.ids import BalanceSourceId, BalanceTransactionId, DiscrepancyId, PaymentId
from domain.money import SignedMoney

_DISCREPANCIES = UUID("3d0e3c1a-8f5b-5c62-9d4e-0a7c51b2f6e1")

ONCE = frozenset(
    {
        *("charge", "refund", "refund_failure", "dispute", "dispute_reversal"),
        *("payout", "payout_reversal"),
    }
)
"""Categories of which a source has one row: a second one is a mistake. Of others it may have many."""
PAYOUT_ITEMS = "payout_items"


class DifferenceKind(StrEnum):
    """What differs between the two sides."""

    MISSING_AT_STRIPE = "missing_at_stripe"
    MISSING_HERE = "missing_here"
    AMOUNT = "amount"
    CURRENCY = "currency"
    STATUS = "status"
    """Both know the object, but not the same part of its life: a refund failed here and not there."""
    FEE = "fee"
    DUPLICATE = "duplicate"
    TIMING = "timing"
    """The counterpart is of another day, or may still come."""


class DiscrepancyStatus(StrEnum):
    """Where a discrepancy stands."""

    OPEN = "open"
    EXPLAINED = "explained"
    """It is there, and somebody said why it may be."""
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What one side says. Amounts are signed and in the currency's smallest unit as Stripe counts it.

    ``fee`` is None where none is recorded yet. ``at`` is in Unix seconds.
    """

    amount: int
    currency: str
    fee: int | None
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One difference. ``date`` is the day whose rows differ; a side that lacks the row has no entry."""

    kind: DifferenceKind
    source_id: BalanceSourceId
    """What moved the money: a charge, refund, dispute or payout at Stripe."""
    category: str
    """Stripe's reporting category; ``payout_items`` compares a payout with what it pays."""
    date: date
    stripe: Entry | None
    ledger: Entry | None
    transaction_ids: tuple[BalanceTransactionId, ...] = ()
    """Stripe's balance transactions, sorted."""
    payment_id: PaymentId | None = None

    @property
    def discrepancy_id(self) -> DiscrepancyId:
        """The same difference has the same id, whichever run finds it.

        Where a source may have many rows, that of one row is not that of another.
        """
        only_row = self.transaction_ids[0] if len(self.transaction_ids) == 1 else None
        has_one_row = self.category in ONCE or self.category == PAYOUT_ITEMS or str(only_row) == str(self.source_id)
        return discrepancy_id_of(self.kind, self.source_id, self.category, None if has_one_row else only_row)

    @property
    def rows_at_stripe(self) -> frozenset[BalanceTransactionId]:
        """Which rows Stripe has of it, as far as it names them; none where Stripe lacks it."""
        return frozenset(self.transaction_ids) if self.stripe is not None else frozenset()

    @property
    def may_have_more_stripe_rows(self) -> bool:
        """Whether Stripe may have more rows of it, on other days: it has none so far, or one of a double."""
        return self.stripe is None or (self.kind is DifferenceKind.DUPLICATE and len(self.transaction_ids) == 1)

    @property
    def is_incomplete(self) -> bool:
        """Whether rows of other days, on either side, may change it."""
        return self.ledger is None or self.may_have_more_stripe_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A difference as a run finds it. ``resolves_at_once``: it explains a day's total, and needs no action."""

    difference: Difference
    resolves_at_once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrencyTotals:
    """The totals of both sides of a day in one currency."""

    currency: str
    stripe_rows: int = 0
    stripe_amount: int = 0
    stripe_fee: int = 0
    ledger_rows: int = 0
    ledger_amount: int = 0
    ledger_fee: int = 0
    foreign_rows: int = 0
    """Of Stripe's rows, those of payments that another system makes in the same account: the ledger has none."""
    foreign_amount: int = 0
    foreign_fee: int = 0

    @property
    def difference(self) -> SignedMoney:
        """By how much Stripe's net is more than the ledger's, without what is of other systems."""
        stripe, ledger = self.stripe_amount - self.stripe_fee, self.ledger_amount - self.ledger_fee
        foreign = self.foreign_amount - self.foreign_fee
        return SignedMoney(amount_cents=stripe - ledger - foreign, currency=self.currency)


def discrepancy_id_of(
    kind: DifferenceKind, source_id: BalanceSourceId, category: str, transaction_id: BalanceTransactionId | None = None
) -> DiscrepancyId:
    """Return the id of a discrepancy; with a transaction id, of one of several rows of Stripe."""
    of_row = "" if transaction_id is None else f":{transaction_id}"
    return DiscrepancyId(uuid5(_DISCREPANCIES, f"{kind}:{source_id}:{category}{of_row}"))

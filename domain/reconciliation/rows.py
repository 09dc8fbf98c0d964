"""The rows of both sides.

A run reads a million of them, so they are tuples, whose amounts and currencies are not put into Money.
"""

from dataclasses import dataclass
from typing import NamedTuple

from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId, PayoutId
from domain.money import SignedMoney


class StripeRow(NamedTuple):
    """One of Stripe's balance transactions. ``created`` is in Unix seconds; the currency is in upper case.

    What has no source of its own is its own source.
    """

    source_id: BalanceSourceId
    category: str
    transaction_id: BalanceTransactionId
    amount: int
    fee: int
    currency: str
    created: int
    exchange_rate: str | None = None

    @property
    def net(self) -> SignedMoney:
        """What is left of it after the fee."""
        return SignedMoney(amount_cents=self.amount - self.fee, currency=self.currency)


class ForeignRow(NamedTuple):
    """One of Stripe's rows that is of another system's payment, as far as a day's totals go."""

    currency: str
    amount: int
    fee: int


class Movement(NamedTuple):
    """What one cause did to our account at Stripe, as the ledger has it. Moments are in Unix seconds.

    ``transaction_id`` and ``transaction_at`` are of Stripe's row of it that the ledger knows. What Stripe converted has
    the amount that Stripe says came of it, and ``presented_amount``, ``presented_currency``: what it was before.
    """

    source_id: BalanceSourceId
    category: str
    currency: str
    amount: int
    fee: int | None
    at: int
    payment_id: PaymentId | None = None
    transaction_id: BalanceTransactionId | None = None
    transaction_at: int | None = None
    presented_amount: int | None = None
    presented_currency: str | None = None

    @property
    def net(self) -> SignedMoney:
        """What is left of it after the fee, as far as one is known."""
        return SignedMoney(amount_cents=self.amount - (self.fee or 0), currency=self.currency)

    @property
    def presented(self) -> SignedMoney | None:
        """What it was before Stripe converted it; None: it was not converted."""
        if self.presented_amount is None or self.presented_currency is None:
            return None
        return SignedMoney(amount_cents=self.presented_amount, currency=self.presented_currency)


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutSum:
    """A payout, and the net sum of the transactions that it pays."""

    payout_id: PayoutId
    amount: SignedMoney
    created: int
    items: int
    items_net: SignedMoney
    final: bool
    """Whether Stripe says that the list of what it pays is complete."""

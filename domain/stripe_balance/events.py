"""What Stripe's balance says, as it was read there. Amounts are signed and count the smallest unit as Stripe does.

https://docs.stripe.com/api/balance_transactions, https://docs.stripe.com/api/payouts
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId


class PayoutStatus(StrEnum):
    """Stripe's. A payout that is paid can still fail, for some days: https://docs.stripe.com/payouts#failed."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionRecorded:
    """A row of the balance: ``amount`` came in (or went out, below zero), less ``fee``, which makes ``net``.

    ``currency`` is the balance's, in upper case; when the money came in another one, ``exchange_rate`` says by what it
    was multiplied. ``source_id`` names what caused it (ch_..., re_..., du_..., po_...). Times are Unix seconds.
    """

    transaction_id: BalanceTransactionId
    type: str
    reporting_category: str
    """https://docs.stripe.com/reports/reporting-categories: coarser than ``type``, and what the ledger goes by."""
    amount: int
    fee: int
    net: int
    currency: str
    source_id: BalanceSourceId | None
    exchange_rate: str | None
    description: str | None
    created: int
    available_on: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutChanged:
    """A payout has this status now; the first one is the first that was seen. Times are Unix seconds."""

    payout_id: PayoutId
    amount: int
    currency: str
    status: PayoutStatus
    automatic: bool
    arrival_date: int
    failure_code: str | None
    created: int


StripeBalanceEvent = TransactionRecorded | PayoutChanged

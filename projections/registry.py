"""The projections there are."""

from typing import Any

from projections.ledger.projection import LedgerOfBalance, LedgerOfPayments
from projections.payment_timeline.projection import PaymentTimeline
from projections.payment_totals.projection import PaymentTotals
from projections.payments.projection import Payments
from projections.payouts.projection import Payouts
from projections.projection import Projection
from projections.reconciliation.projection import Reconciliations
from projections.split_payments.projection import SplitPayments

# Last those that write rows that all partitions share.
PROJECTIONS: tuple[Projection[Any], ...] = (
    Payments(),
    PaymentTimeline(),
    Reconciliations(),
    SplitPayments(),
    Payouts(),
    LedgerOfPayments(),
    LedgerOfBalance(),
    PaymentTotals(),
)

"""Which row each change of a payment writes: https://docs.stripe.com/reports/balance-transaction-types.

A partial capture writes one row, of what was captured, and a canceled hold none (since 2025-03-31.basil).
"""

from infra.stripe_sandbox.balance.fees import card_fee, dispute_fee
from infra.stripe_sandbox.balance.model import Entry, settlement_day
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.disputes.model import Dispute
from infra.stripe_sandbox.payouts.model import Payout
from infra.stripe_sandbox.refunds.model import Refund


def of_charge(charge: Charge, now: int) -> Entry:
    """Return the row for what was captured."""
    return Entry(
        source=charge.id,
        type="charge",
        reporting_category="charge",
        currency=charge.currency,
        amount=charge.amount_captured,
        fee=card_fee(charge.amount_captured, charge.currency),
        description=charge.description,
        available_on=now if charge.card.available_at_once else settlement_day(now),
    )


def of_refund(refund: Refund, *, available_on: int) -> Entry:
    """Return the row for what is given back; the charge's fee is not."""
    return Entry(
        source=refund.id,
        type="refund",
        reporting_category="refund",
        currency=refund.currency,
        amount=-refund.amount,
        description="REFUND FOR CHARGE",
        available_on=available_on,
    )


def of_refund_failure(refund: Refund) -> Entry:
    """Return the row for what came back."""
    return Entry(
        source=refund.id,
        type="refund_failure",
        reporting_category="refund_failure",
        currency=refund.currency,
        amount=refund.amount,
        description="REFUND FAILURE",
    )


def of_dispute(dispute: Dispute, *, available_on: int) -> Entry:
    """Return the row for what the bank took back, with the fee for it."""
    return Entry(
        source=dispute.id,
        type="adjustment",
        reporting_category="dispute",
        currency=dispute.currency,
        amount=-dispute.amount,
        fee=dispute_fee(dispute.currency),
        description=f"Chargeback withdrawal for {dispute.charge}",
        available_on=available_on,
    )


def of_dispute_reversal(dispute: Dispute, *, lost_amount: int = 0) -> Entry:
    """Return the row for what a dispute brings back: the amount and the fee; where a part is lost, the rest alone."""
    return Entry(
        source=dispute.id,
        type="adjustment",
        reporting_category="dispute_reversal",
        currency=dispute.currency,
        amount=dispute.amount - lost_amount,
        fee=0 if lost_amount else -dispute_fee(dispute.currency),
        description=f"Chargeback reversal for {dispute.charge}",
    )


def of_payout(payout: Payout) -> Entry:
    """Return the row for what goes to the bank; an automatic payout is listed among what it pays out."""
    return Entry(
        source=payout.id,
        type="payout",
        reporting_category="payout",
        currency=payout.currency,
        amount=-payout.amount,
        description=payout.description,
        payout=payout.id if payout.automatic else None,
    )


def of_payout_reversal(payout: Payout) -> Entry:
    """Return the row for a payout that failed or was canceled: the money is in the balance again."""
    canceled = payout.status == "canceled"
    return Entry(
        source=payout.id,
        type="payout_cancel" if canceled else "payout_failure",
        reporting_category="payout_reversal",
        currency=payout.currency,
        amount=payout.amount,
        description="PAYOUT CANCEL" if canceled else "PAYOUT FAILURE",
    )

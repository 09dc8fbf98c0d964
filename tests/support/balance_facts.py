"""What Stripe's balance would say of payments: its rows, and the payouts of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.money import Money
from domain.payment import DisputeFunds, PaymentEvent, PaymentState, RefundStatus
from domain.stripe_balance import PayoutChanged, PayoutStatus, TransactionRecorded

CREATED = 1_777_636_800


def a_row(transaction_id: str = "txn_1", **changes: Any) -> TransactionRecorded:
    """Return the row of a charge of 10.00 USD, but for the given fields; the net follows from amount and fee."""
    fields: dict[str, Any] = {
        "transaction_id": transaction_id,
        "type": "charge",
        "reporting_category": "charge",
        "amount": 1000,
        "fee": 59,
        "currency": "USD",
        "source_id": "ch_1",
        "exchange_rate": None,
        "description": None,
        "created": CREATED,
        "available_on": CREATED + 172_800,
    } | changes
    return TransactionRecorded(**{"net": fields["amount"] - fields["fee"], **fields})


def a_payout(status: PayoutStatus = PayoutStatus.IN_TRANSIT, **changes: Any) -> PayoutChanged:
    """Return what is known of a payout of 9.41 USD, but for the given fields."""
    fields: dict[str, Any] = {
        "payout_id": "po_1",
        "amount": 941,
        "currency": "USD",
        "status": status,
        "automatic": True,
        "arrival_date": CREATED + 86_400,
        "failure_code": "account_closed" if status is PayoutStatus.FAILED else None,
        "created": CREATED,
    }
    return PayoutChanged(**fields | changes)


def with_ids_of_its_own(payment_id: UUID, event: PaymentEvent) -> PaymentEvent:
    """Return an event whose Stripe ids are the payment's alone: random histories name the disputes of all alike."""
    ids = ("charge_id", "dispute_id", "stripe_refund_id")
    changes = {name: f"{value}_{payment_id.hex}" for name in ids if (value := getattr(event, name, None)) is not None}
    return replace(event, **changes)  # type: ignore[arg-type]


def rows_of(
    payment: PaymentState, *, settled_in: str | None = None, rate: float = 1.0
) -> Iterator[TransactionRecorded]:
    """Yield the rows that Stripe writes for a payment, each with a fee of some kind.

    `settled_in`: the balance's currency, if it is another one than the payment's, and the rate that leads to it.
    """
    for number, (category, source, moved, sign) in enumerate(_movements(payment)):
        converted = settled_in is not None and settled_in != moved.currency
        amount = sign * (round(moved.amount_cents * rate) if converted else moved.amount_cents)
        fee = {"charge": 30 + moved.amount_cents // 40, "dispute": 1500, "dispute_reversal": -1500}.get(category, 0)
        yield a_row(
            f"txn_{payment.payment_id.hex}_{number}",
            type="adjustment" if "dispute" in category else category,
            reporting_category=category,
            amount=amount,
            fee=fee,
            currency=settled_in if converted else moved.currency,
            source_id=source,
            exchange_rate=str(rate) if converted else None,
        )


def _movements(payment: PaymentState) -> Iterator[tuple[str, str, Money, int]]:
    if payment.amount_captured.amount_cents and payment.charge_id is not None:
        yield "charge", payment.charge_id, payment.amount_captured, 1
    for refund in payment.refunds.values():
        if refund.stripe_refund_id is None:
            continue
        yield "refund", refund.stripe_refund_id, refund.amount, -1
        if refund.status is RefundStatus.FAILED:
            yield "refund_failure", refund.stripe_refund_id, refund.amount, 1
    for dispute in payment.disputes.values():
        if dispute.funds is not DisputeFunds.NONE:
            yield "dispute", dispute.dispute_id, dispute.amount, -1
        if dispute.funds is DisputeFunds.REINSTATED:
            yield "dispute_reversal", dispute.dispute_id, dispute.amount, 1

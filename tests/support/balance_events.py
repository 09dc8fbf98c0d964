"""What Stripe's balance would say of payments: its rows, and the payouts of them."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

from domain.money import Money
from domain.payment.events import PaymentEvent, RefundSucceeded
from domain.payment.state import PaymentState
from domain.payment.values import RefundStatus
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


def rows_of(
    payment: PaymentState,
    *,
    balance_currency: str | None = None,
    rate: float = 1.0,
    moved: Callable[[UUID], bool] = lambda _: True,
) -> Iterator[TransactionRecorded]:
    """Yield the rows that Stripe writes for a payment, each with a fee of some kind.

    `balance_currency`: the balance's currency, if it is another one than the payment's. `rate` leads to it, and to a
    little more of it with each row.
    `moved`: whether a refund has moved money.
    """
    for number, (category, source, money, sign) in enumerate(_movements(payment, moved)):
        converted = balance_currency is not None and balance_currency != money.currency
        its_rate = round(rate * (1 + number / 100), 7)
        amount = sign * (round(money.amount_cents * its_rate) if converted else money.amount_cents)
        fee = {"charge": 30 + money.amount_cents // 40, "dispute": 1500, "dispute_reversal": -1500}.get(category, 0)
        yield a_row(
            f"txn_{payment.payment_id.hex}_{number}",
            type="adjustment" if "dispute" in category else category,
            reporting_category=category,
            amount=amount,
            fee=fee,
            currency=balance_currency if converted else money.currency,
            source_id=source,
            exchange_rate=str(its_rate) if converted else None,
        )


def some_moved(rng: random.Random, events: Iterable[PaymentEvent]) -> Callable[[UUID], bool]:
    """Return which refunds have moved money: those that succeeded at any time, and some of the others."""
    succeeded = {event.refund_id for event in events if isinstance(event, RefundSucceeded)}
    others: dict[UUID, bool] = {}
    return lambda refund_id: refund_id in succeeded or others.setdefault(refund_id, rng.random() < 0.5)


def _movements(payment: PaymentState, has_moved: Callable[[UUID], bool]) -> Iterator[tuple[str, str, Money, int]]:
    if payment.amount_captured.amount_cents and payment.charge_id is not None:
        yield "charge", payment.charge_id, payment.amount_captured, 1
    for refund in payment.refunds.values():
        if refund.stripe_refund_id is None or not has_moved(refund.refund_id):
            continue
        yield "refund", refund.stripe_refund_id, refund.amount, -1
        if refund.status is RefundStatus.FAILED:
            yield "refund_failure", refund.stripe_refund_id, refund.amount, 1
    for dispute in payment.disputes.values():
        for time in range(dispute.times_withdrawn):
            yield "dispute", dispute.dispute_id, dispute.amount, -1
            if time < dispute.times_reinstated:
                yield "dispute_reversal", dispute.dispute_id, dispute.amount, 1

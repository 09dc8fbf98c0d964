"""The watch list: payments that wait for something at Stripe, and for what. Kept in the transaction of the events.

It can be lost without harm to a payment: the sweeper looks there for what no webhook told, and the log holds what is
true.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from domain.ids import PaymentId, StripeRefundId
from domain.payment.state import PaymentState
from domain.payment.values import DisputeStatus, PaymentStatus, RefundStatus
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("watch_list.sql"))

# Something at Stripe, or a customer who deals with Stripe directly, may move a payment in these.
_MOVES_AT_STRIPE = frozenset(
    {
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        PaymentStatus.REQUIRES_CONFIRMATION,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.PROCESSING,
        PaymentStatus.REQUIRES_CAPTURE,
    }
)
_CLOSED = frozenset({DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED, DisputeStatus.LOST, DisputeStatus.WON})


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What a payment waits for at Stripe. `since` is in Unix seconds; None: from now on."""

    waits_for: str
    since: int | None = None


def waiting(payment: PaymentState | None) -> Waiting | None:
    """Return what a payment waits for at Stripe, or None when nothing there is expected to move.

    A hold waits from its end on: before that it moves only when we say so, but to be canceled at Stripe's site, and
    that a webhook tells.
    """
    if payment is None or payment.intent_id is None:
        return None
    if payment.status in _MOVES_AT_STRIPE:
        return Waiting(waits_for=payment.status.value, since=payment.capture_before)
    if any(_is_under_way(refund.status, refund.stripe_refund_id) for refund in payment.refunds.values()):
        return Waiting(waits_for="refund")
    if any(dispute.status not in _CLOSED for dispute in payment.disputes.values()):
        return Waiting(waits_for="dispute")
    return None


async def update_watch_list(conn: Connection, changes: Iterable[tuple[PaymentState | None, PaymentState]]) -> None:
    """Note which payments wait for something at Stripe now, given each before and after its change."""
    begin, end = dict[PaymentId, tuple[PaymentState, Waiting]](), list[PaymentId]()
    for before, after in changes:
        now = waiting(after)
        if now is not None:
            begin[after.payment_id] = (after, now)
        elif waiting(before) is not None:
            end.append(after.payment_id)
    if begin:
        await conn.execute(
            _SQL.add_to_watch_list,
            {
                "payment_ids": list(begin),
                "merchant_ids": [payment.merchant_id for payment, _ in begin.values()],
                "waits_for": [now.waits_for for _, now in begin.values()],
                "since": [now.since for _, now in begin.values()],
            },
        )
    if end:
        await conn.execute(_SQL.remove_from_watch_list, {"payment_ids": end})


def _is_under_way(status: RefundStatus, stripe_refund_id: StripeRefundId | None) -> bool:
    return status is RefundStatus.PENDING and stripe_refund_id is not None

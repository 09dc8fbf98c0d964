"""What a leg's payment comes to for its split payment, and the ids of what is requested of it.

The ids follow from the leg's: a request that was made is known by its id, whoever asks and however often.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from uuid import UUID, uuid5

from domain.ids import PaymentId, RefundId, RequestId
from domain.money import Money
from domain.payment.state import LastError, PaymentState
from domain.payment.values import DisputeStatus, PaymentStatus, RefundStatus
from domain.split_payment.values import LegStatus

_SAME = {
    PaymentStatus.PENDING: LegStatus.PENDING,
    PaymentStatus.REQUIRES_PAYMENT_METHOD: LegStatus.REQUIRES_PAYMENT_METHOD,
    PaymentStatus.REQUIRES_CONFIRMATION: LegStatus.REQUIRES_CONFIRMATION,
    PaymentStatus.REQUIRES_ACTION: LegStatus.REQUIRES_ACTION,
    PaymentStatus.PROCESSING: LegStatus.PROCESSING,
    PaymentStatus.CANCELED: LegStatus.CANCELED,
    PaymentStatus.FAILED: LegStatus.FAILED,
}
_UNSAID = LastError(code="unknown", decline_code=None, message="Stripe did not say why.")


def leg_status(payment: PaymentState, amount: Money) -> LegStatus:
    """Return where the leg stands, which is to be of this amount."""
    if payment.open_contradictions:
        return LegStatus.CONTRADICTED
    if payment.status is PaymentStatus.REQUIRES_CAPTURE:
        return LegStatus.AUTHORIZED if payment.amount_authorized == amount else LegStatus.AMOUNT_DIFFERS
    if payment.status is not PaymentStatus.SUCCEEDED:
        return _SAME[payment.status]
    if payment.amount_refunded + _lost(payment) >= payment.amount_captured:
        return LegStatus.REFUNDED
    return LegStatus.CAPTURED if payment.amount_captured == amount else LegStatus.AMOUNT_DIFFERS


def refunded_elsewhere(payment: PaymentState, own: Iterable[RefundId]) -> Money:
    """Return what was refunded, or is being refunded, by other refunds than these."""
    ids = frozenset(own)
    others = (each for each in payment.refunds.values() if each.refund_id not in ids)
    amounts = (each.amount for each in others if each.status is not RefundStatus.FAILED)
    return sum(amounts, start=Money.zero(payment.amount.currency))


def capture_id(payment_id: PaymentId) -> RequestId:
    """Return the id of the one capture of a leg."""
    return RequestId(uuid5(payment_id, "capture"))


def capture_was_refused(payment: PaymentState) -> bool:
    """Whether the capture was requested, and Stripe refused it."""
    is_over = capture_id(payment.payment_id) in payment.requests_seen and payment.capture_requested is None
    return is_over and payment.status is PaymentStatus.REQUIRES_CAPTURE


def next_cancellation(payment: PaymentState) -> RequestId:
    """Return the id of the next cancellation."""
    return next(each for each in _cancellations(payment.payment_id) if each not in payment.requests_seen)


def next_refund(payment: PaymentState) -> RefundId:
    """Return the id of the next refund that takes the leg back."""
    return next(each for each in _refunds(payment.payment_id) if each not in payment.refunds)


def failed_requests(payment: PaymentState) -> Iterator[tuple[UUID, LastError]]:
    """Return the cancellations and refunds that were to take the leg back, and failed; with Stripe's refusal."""
    if not payment.is_terminal:
        for request_id in _cancellations(payment.payment_id):
            if request_id not in payment.requests_seen:
                break
            if payment.cancel_requested is None or payment.cancel_requested.request_id != request_id:
                yield request_id, payment.failed_cancellations.get(request_id, _UNSAID)
    for refund_id in _refunds(payment.payment_id):
        refund = payment.refunds.get(refund_id)
        if refund is None:
            break
        if refund.status is RefundStatus.FAILED:
            yield refund_id, refund.error or _UNSAID


def _cancellations(payment_id: PaymentId) -> Iterator[RequestId]:
    return (RequestId(uuid5(payment_id, f"cancel-{number}")) for number in count(1))


def _refunds(payment_id: PaymentId) -> Iterator[RefundId]:
    return (RefundId(uuid5(payment_id, f"refund-{number}")) for number in count(1))


def _lost(payment: PaymentState) -> Money:
    """Return what the payer has back by a dispute that was lost."""
    lost = (each.outstanding for each in payment.disputes.values() if each.status is DisputeStatus.LOST)
    same = (amount for amount in lost if amount.currency == payment.amount.currency)
    return sum(same, start=Money.zero(payment.amount.currency))

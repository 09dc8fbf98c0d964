"""What follows for a split payment from what its legs came to: at most one event at a time. Pure.

It looks at where the legs are, not at what happened last: so events that come twice, late or in another order lead to
the same, and a leg whose outcome is unknown is waited for, since it is in no status that anything follows from.
"""

from collections.abc import Mapping

from domain.ids import PaymentId, RefundId
from domain.payment.state import PaymentState
from domain.split_payment.events import (
    CaptureStarted,
    CompensationFailed,
    CompensationStarted,
    CompensationStuck,
    LegChanged,
    RefundPartChanged,
    SplitPaymentCompensated,
    SplitPaymentCompleted,
    SplitPaymentEvent,
)
from domain.split_payment.legs import capture_was_refused, failed_requests, leg_status, refunded_elsewhere
from domain.split_payment.policy import POLICY
from domain.split_payment.state import RELEASED, LegState, SplitPaymentState
from domain.split_payment.values import CompensationReason, LegStatus, RefundPartStatus, SplitPaymentStatus

Legs = Mapping[PaymentId, PaymentState | None]
"""The legs' payments; None while one does not exist."""

_LOST = {
    LegStatus.FAILED: CompensationReason.LEG_FAILED,
    LegStatus.CANCELED: CompensationReason.LEG_CANCELED,
    LegStatus.REFUNDED: CompensationReason.LEG_CANCELED,
    LegStatus.AMOUNT_DIFFERS: CompensationReason.AMOUNT_DIFFERS,
}
"""With such a leg it can never be completed."""
_HAS_MONEY = frozenset({LegStatus.AUTHORIZED, LegStatus.CAPTURED, LegStatus.AMOUNT_DIFFERS})
_SECURED = frozenset({LegStatus.AUTHORIZED, LegStatus.CAPTURED})


def next_event(state: SplitPaymentState, legs: Legs, now: float) -> SplitPaymentEvent | None:
    """Return what is to be recorded next, or None."""
    noticed = _leg_changed(state, legs)
    if noticed is not None:
        return noticed
    match state.status:
        case SplitPaymentStatus.AUTHORIZING:
            return _while_authorizing(state, now)
        case SplitPaymentStatus.CAPTURING:
            return _while_capturing(state, legs, now)
        case SplitPaymentStatus.COMPENSATING | SplitPaymentStatus.COMPENSATION_STUCK:
            return _while_taken_back(state, legs, now)
        case SplitPaymentStatus.COMPENSATED:
            return _once_compensated(state, now)
        case SplitPaymentStatus.COMPLETED | SplitPaymentStatus.GIVEN_UP:
            return _part_changed(state, legs)


def hold_deadline(state: SplitPaymentState) -> float | None:
    """Return until when the first hold to end lets the other legs be waited for; None: no hold says when it ends."""
    ends = [leg.capture_before for leg in state.legs.values() if leg.status is LegStatus.AUTHORIZED]
    known = [end for end in ends if end is not None]
    return min(known) - POLICY.hold_margin_s if known else None


def is_released(leg: LegState, payment: PaymentState | None) -> bool:
    """Whether the leg holds and has no money: it never came to be, or it was taken back."""
    return payment is None or leg.status in RELEASED


def _leg_changed(state: SplitPaymentState, legs: Legs) -> LegChanged | None:
    for leg in state.legs.values():
        payment = legs[leg.payment_id]
        if payment is None:
            continue
        error = payment.last_error
        changed = LegChanged(
            payment_id=leg.payment_id,
            status=leg_status(payment, leg.amount),
            captured=payment.amount_captured,
            refunded_elsewhere=refunded_elsewhere(payment, _part_ids(state, leg.payment_id)),
            capture_before=payment.capture_before,
            code=None if error is None else error.decline_code or error.code,
            message=None if error is None else error.message,
            is_contested=any(each.is_contested for each in payment.disputes.values()),
        )
        if any(getattr(leg, name) != getattr(changed, name) for name in LegChanged.__slots__):
            return changed
    return None


def _part_ids(state: SplitPaymentState, payment_id: PaymentId) -> list[RefundId]:
    parts = (part for refund in state.refunds.values() for part in refund.parts)
    return [part.refund_id for part in parts if part.payment_id == payment_id]


def _while_authorizing(state: SplitPaymentState, now: float) -> SplitPaymentEvent | None:
    if state.cancel_requested:
        return taken_back(CompensationReason.CANCEL_REQUESTED, now)
    lost = _lost(state, now)
    if lost is not None:
        return lost
    if now >= state.expires_at:  # exactly: what is authorized by then, and not captured, is released
        return taken_back(CompensationReason.EXPIRED, now)
    if all(leg.status in _SECURED for leg in state.legs.values()):
        return CaptureStarted()
    deadline = hold_deadline(state)
    return None if deadline is None or now < deadline else taken_back(CompensationReason.HOLD_EXPIRING, now)


def _while_capturing(state: SplitPaymentState, legs: Legs, now: float) -> SplitPaymentEvent | None:
    lost = _lost(state, now)
    if lost is not None:
        return lost
    for leg in state.legs.values():
        payment = legs[leg.payment_id]
        if leg.status is LegStatus.AUTHORIZED and payment is not None and capture_was_refused(payment):
            return taken_back(CompensationReason.CAPTURE_FAILED, now, leg)
    is_complete = all(leg.status is LegStatus.CAPTURED for leg in state.legs.values())
    return SplitPaymentCompleted() if is_complete else None


def _while_taken_back(state: SplitPaymentState, legs: Legs, now: float) -> SplitPaymentEvent | None:
    for leg in state.legs.values():
        payment = legs[leg.payment_id]
        failed = () if payment is None else failed_requests(payment)
        for request_id, error in failed:
            if request_id not in leg.failed_requests:
                return compensation_failed(leg, now, error.code, error.message, RefundId(request_id))
    left = [leg for leg in state.legs.values() if not is_released(leg, legs[leg.payment_id])]
    if not left:
        return SplitPaymentCompensated()
    if state.status is SplitPaymentStatus.COMPENSATING and _calls_operator(state, left, now):
        return CompensationStuck(payment_ids=tuple(leg.payment_id for leg in left))
    return None


def _calls_operator(state: SplitPaymentState, left: list[LegState], now: float) -> bool:
    is_late = state.stuck_at is not None and now >= state.stuck_at
    return is_late or any(leg.failures >= POLICY.stuck_failures for leg in left)


def _once_compensated(state: SplitPaymentState, now: float) -> CompensationStarted | None:
    for leg in state.legs.values():
        if leg.status in _HAS_MONEY:
            return taken_back(CompensationReason.MONEY_RETURNED, now, leg)
    return None


def _part_changed(state: SplitPaymentState, legs: Legs) -> RefundPartChanged | None:
    for refund in state.refunds.values():
        for part in refund.parts:
            payment = legs[part.payment_id]
            known = None if payment is None else payment.refunds.get(part.refund_id)
            if known is None or known.status.value == part.status.value:
                continue
            return RefundPartChanged(
                refund_id=refund.refund_id,
                payment_id=part.payment_id,
                status=RefundPartStatus(known.status.value),
                code=None if known.error is None else known.error.code,
                message=None if known.error is None else known.error.message,
            )
    return None


def _lost(state: SplitPaymentState, now: float) -> CompensationStarted | None:
    for leg in state.legs.values():
        reason = _LOST.get(leg.status)
        if reason is not None:
            return taken_back(reason, now, leg)
    return None


def taken_back(reason: CompensationReason, now: float, leg: LegState | None = None) -> CompensationStarted:
    """Return that compensation starts now, because of a leg or of none."""
    return CompensationStarted(
        reason=reason,
        payment_id=None if leg is None else leg.payment_id,
        code=None if leg is None else leg.code,
        message=None if leg is None else leg.message,
        stuck_at=int(now + POLICY.stuck_after_s),
    )


def compensation_failed(
    leg: LegState, now: float, code: str, message: str, request_id: RefundId | None = None
) -> CompensationFailed:
    """Return that a leg could not be taken back, and when that is tried again."""
    attempt = leg.failures + 1
    return CompensationFailed(
        payment_id=leg.payment_id,
        request_id=request_id,
        attempt=attempt,
        code=code,
        message=message,
        retry_at=int(now + POLICY.pause_s(attempt)),
    )

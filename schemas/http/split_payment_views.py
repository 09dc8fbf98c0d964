"""A split payment as both APIs show it, from its state. `schemas.http.split_payments` says the same as types."""

from datetime import UTC, datetime

from domain.split_payment.state import LegState, RefundPart, SplitPaymentState, SplitRefund
from domain.split_payment.waits import Wait, waits_for
from schemas.http.answers import Json
from schemas.http.times import timestamp


def split_payment_view(state: SplitPaymentState) -> Json:
    """Return the members that follow from the state alone, but for when it was created."""
    reason = state.compensation_reason
    return {
        "id": str(state.split_payment_id),
        "user_id": state.user_id,
        "amount_cents": state.amount.amount_cents,
        "currency": state.amount.currency,
        "status": state.status.value,
        "legs": [_leg(leg) for leg in state.legs.values()],
        "refunds": [refund_view(refund) for refund in state.refunds.values()],
        "waits_for": [_wait(wait) for wait in waits_for(state)],
        "compensation": None
        if reason is None
        else {"reason": reason.value, "code": state.compensation_code, "message": state.compensation_message},
        "amount_captured_cents": state.amount_captured.amount_cents,
        "amount_refunded_cents": state.amount_refunded.amount_cents,
        "metadata": dict(state.metadata),
        "idempotency_key": state.idempotency_key,
        "expires_at": _moment(state.expires_at),
    }


def refund_view(refund: SplitRefund) -> Json:
    """Return a refund with its parts."""
    return {
        "refund_id": str(refund.refund_id),
        "status": refund.status.value,
        "amount_cents": refund.amount.amount_cents,
        "reason": None if refund.reason is None else refund.reason.value,
        "parts": [_part(part) for part in refund.parts],
    }


def _leg(leg: LegState) -> Json:
    return {
        "payment_id": str(leg.payment_id),
        "user_id": leg.user_id,
        "amount_cents": leg.amount.amount_cents,
        "payment_method": leg.payment_method,
        "status": leg.status.value,
        "captured_cents": leg.captured.amount_cents,
        "capture_before": None if leg.capture_before is None else _moment(leg.capture_before),
        "error": _error(leg.code, leg.message),
    }


def _part(part: RefundPart) -> Json:
    return {
        "payment_id": str(part.payment_id),
        "refund_id": str(part.refund_id),
        "amount_cents": part.amount.amount_cents,
        "status": part.status.value,
        "error": _error(part.code, part.message),
    }


def _wait(wait: Wait) -> Json:
    return {
        "payment_id": str(wait.payment_id),
        "waits_for": wait.waits_for.value,
        "until": None if wait.until is None else _moment(wait.until),
    }


def _error(code: str | None, message: str | None) -> Json | None:
    return None if code is None else {"code": code, "message": message}


def _moment(unix_s: int) -> str:
    return timestamp(datetime.fromtimestamp(unix_s, UTC))

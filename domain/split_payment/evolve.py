"""The state after events. There are no rules here: what is in the stream happened.

Raises BrokenSplitHistory only for a history that no decision can have made.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, assert_never

from domain.ids import PaymentId
from domain.money import Money
from domain.payment.errors import PaymentDisputed
from domain.personal_data import PersonalDataErased, without_members
from domain.split_payment.errors import BrokenSplitHistory
from domain.split_payment.events import (
    CaptureStarted,
    CompensationEvent,
    CompensationFailed,
    CompensationRetried,
    CompensationStarted,
    CompensationStuck,
    LegChanged,
    RefundPartChanged,
    RequestedLeg,
    SplitPaymentCancelRequested,
    SplitPaymentCompensated,
    SplitPaymentCompleted,
    SplitPaymentEvent,
    SplitPaymentGivenUp,
    SplitPaymentRequested,
    SplitRefundEvent,
    SplitRefundRequested,
)
from domain.split_payment.state import LegState, RefundPart, SplitPaymentState, SplitRefund
from domain.split_payment.values import LegStatus, RefundPartStatus, SplitPaymentStatus


def fold(events: Iterable[SplitPaymentEvent], state: SplitPaymentState | None = None) -> SplitPaymentState | None:
    """Return the state after ``events``, starting from ``state``; None if there is no split payment yet."""
    for event in events:
        state = evolve(state, event)
    return state


def evolve(state: SplitPaymentState | None, event: SplitPaymentEvent) -> SplitPaymentState:  # noqa: PLR0911 - one line per kind
    """Return the state after one more event."""
    if isinstance(event, SplitPaymentRequested):
        if state is not None:
            raise BrokenSplitHistory(f"Split payment {state.split_payment_id} was requested twice.")
        return _requested(event)
    if state is None:
        raise BrokenSplitHistory(f"{type(event).__name__} comes before SplitPaymentRequested.")
    match event:
        case LegChanged():
            return _with_leg(
                state,
                event.payment_id,
                status=event.status,
                captured=event.captured,
                refunded_elsewhere=event.refunded_elsewhere,
                capture_before=event.capture_before,
                code=event.code,
                message=event.message,
                is_contested=event.is_contested,
            )
        case SplitPaymentCancelRequested():
            return replace(state, cancel_requested=True, cancellation_reason=event.reason)
        case CaptureStarted():
            return replace(state, status=SplitPaymentStatus.CAPTURING)
        case SplitPaymentCompleted():
            return replace(state, status=SplitPaymentStatus.COMPLETED)
        case SplitRefundRequested() | RefundPartChanged():
            return _after_refund_event(state, event)
        case PersonalDataErased():
            return _without_personal_data(state, event)
        case _:
            return _after_compensation_event(state, event)


def _requested(event: SplitPaymentRequested) -> SplitPaymentState:
    return SplitPaymentState(
        split_payment_id=event.split_payment_id,
        merchant_id=event.merchant_id,
        user_id=event.user_id,
        amount=event.amount,
        status=SplitPaymentStatus.AUTHORIZING,
        legs={leg.payment_id: _leg(leg) for leg in event.legs},
        metadata=event.metadata,
        idempotency_key=event.idempotency_key,
        expires_at=event.expires_at,
        cancel_requested=False,
        cancellation_reason=None,
        compensation_reason=None,
        compensation_code=None,
        compensation_message=None,
        stuck_at=None,
        refunds={},
    )


def _leg(leg: RequestedLeg) -> LegState:
    nothing = Money.zero(leg.amount.currency)
    return LegState(
        payment_id=leg.payment_id,
        user_id=leg.user_id,
        amount=leg.amount,
        payment_method=leg.payment_method,
        metadata=leg.metadata,
        status=LegStatus.PENDING,
        captured=nothing,
        refunded_elsewhere=nothing,
        capture_before=None,
        code=None,
        message=None,
    )


def _without_personal_data(state: SplitPaymentState, event: PersonalDataErased) -> SplitPaymentState:
    legs = {
        each.payment_id: replace(
            each, metadata=without_members(each.metadata, f"/legs/{number}/metadata", event.fields)
        )
        for number, each in enumerate(state.legs.values())
    }
    return replace(state, legs=legs, metadata=without_members(state.metadata, "/metadata", event.fields))


def _after_compensation_event(state: SplitPaymentState, event: CompensationEvent) -> SplitPaymentState:
    match event:
        case CompensationStarted():
            return replace(
                state,
                legs=_tried_anew(state),
                status=SplitPaymentStatus.COMPENSATING,
                compensation_reason=event.reason,
                compensation_code=event.code,
                compensation_message=event.message,
                stuck_at=event.stuck_at,
            )
        case CompensationFailed():
            failed = _leg_of(state, event.payment_id).failed_requests
            if event.request_id is not None:
                failed |= {event.request_id}
            return _with_leg(
                state,
                event.payment_id,
                failures=event.attempt,
                failed_requests=failed,
                retry_at=event.retry_at,
                failed_as_disputed=event.code == PaymentDisputed.code,
            )
        case CompensationStuck():
            return replace(state, status=SplitPaymentStatus.COMPENSATION_STUCK)
        case CompensationRetried():
            return replace(
                state, legs=_tried_anew(state), status=SplitPaymentStatus.COMPENSATING, stuck_at=event.stuck_at
            )
        case SplitPaymentCompensated():
            return replace(state, status=SplitPaymentStatus.COMPENSATED, stuck_at=None)
        case SplitPaymentGivenUp():
            return replace(state, status=SplitPaymentStatus.GIVEN_UP, stuck_at=None)
        case _:
            assert_never(event)


def _tried_anew(state: SplitPaymentState) -> dict[PaymentId, LegState]:
    return {
        each.payment_id: replace(each, failures=0, retry_at=0, failed_as_disputed=False) for each in state.legs.values()
    }


def _leg_of(state: SplitPaymentState, payment_id: PaymentId) -> LegState:
    leg = state.legs.get(payment_id)
    if leg is None:
        raise BrokenSplitHistory(f"{payment_id} is no leg of {state.split_payment_id}.")
    return leg


def _with_leg(state: SplitPaymentState, payment_id: PaymentId, **changes: Any) -> SplitPaymentState:
    leg = replace(_leg_of(state, payment_id), **changes)
    return replace(state, legs={**state.legs, payment_id: leg})


def _after_refund_event(state: SplitPaymentState, event: SplitRefundEvent) -> SplitPaymentState:
    if isinstance(event, RefundPartChanged):
        return _with_part(state, event)
    return replace(state, refunds={**state.refunds, event.refund_id: _refund(event)})


def _refund(event: SplitRefundRequested) -> SplitRefund:
    parts = tuple(
        RefundPart(
            payment_id=part.payment_id,
            refund_id=part.refund_id,
            amount=part.amount,
            status=RefundPartStatus.PENDING,
            code=None,
            message=None,
        )
        for part in event.parts
    )
    return SplitRefund(refund_id=event.refund_id, amount=event.amount, reason=event.reason, parts=parts)


def _with_part(state: SplitPaymentState, event: RefundPartChanged) -> SplitPaymentState:
    refund = state.refunds.get(event.refund_id)
    if refund is None:
        raise BrokenSplitHistory(f"RefundPartChanged comes before SplitRefundRequested of {event.refund_id}.")
    parts = tuple(
        replace(part, status=event.status, code=event.code, message=event.message)
        if part.payment_id == event.payment_id
        else part
        for part in refund.parts
    )
    return replace(state, refunds={**state.refunds, event.refund_id: replace(refund, parts=parts)})

"""Replaying the events of a split payment."""

import pytest

from domain.ids import PaymentId
from domain.split_payment.decide import decide
from domain.split_payment.errors import BrokenSplitHistory
from domain.split_payment.events import (
    CaptureStarted,
    CompensationFailed,
    CompensationStarted,
    LegChanged,
    RefundPartChanged,
    SplitPaymentEvent,
)
from domain.split_payment.evolve import evolve, fold
from domain.split_payment.values import CompensationReason, LegStatus, RefundPartStatus, SplitPaymentStatus
from tests.unit.domain.payment_builders import PAYMENT_ID, refund_id, usd
from tests.unit.domain.split_payment.worlds import SPLIT_PAYMENT_ID, a_split_request, leg_id

REQUESTED = decide(None, a_split_request(2))


def changed(payment_id: PaymentId) -> LegChanged:
    return LegChanged(
        payment_id=payment_id,
        status=LegStatus.CAPTURED,
        captured=usd(10_00),
        refunded_elsewhere=usd(0),
        capture_before=1_800_000_000,
        code="code_1",
        message="message 1",
    )


def failed(payment_id: PaymentId) -> CompensationFailed:
    return CompensationFailed(
        payment_id=payment_id, request_id=refund_id(), attempt=3, code="code_1", message="message 1", retry_at=77
    )


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([CaptureStarted()], "CaptureStarted comes before SplitPaymentRequested."),
        ([*REQUESTED, *REQUESTED], f"Split payment {SPLIT_PAYMENT_ID} was requested twice."),
        ([*REQUESTED, changed(PAYMENT_ID)], f"{PAYMENT_ID} is no leg of {SPLIT_PAYMENT_ID}."),
        ([*REQUESTED, failed(PAYMENT_ID)], f"{PAYMENT_ID} is no leg of {SPLIT_PAYMENT_ID}."),
        (
            [
                *REQUESTED,
                RefundPartChanged(
                    refund_id=refund_id(),
                    payment_id=leg_id(0),
                    status=RefundPartStatus.FAILED,
                    code=None,
                    message=None,
                ),
            ],
            f"RefundPartChanged comes before SplitRefundRequested of {refund_id()}.",
        ),
    ],
)
def test_what_no_decision_can_have_made_is_a_broken_history(history: list[SplitPaymentEvent], said: str) -> None:
    with pytest.raises(BrokenSplitHistory) as broken:
        fold(history)
    assert str(broken.value) == said


def test_a_leg_is_as_its_last_change_says() -> None:
    state = fold([*REQUESTED, changed(leg_id(1))])
    assert state is not None
    leg, event = state.legs[leg_id(1)], changed(leg_id(1))
    assert {each: getattr(leg, each) for each in LegChanged.__slots__} == {
        each: getattr(event, each) for each in LegChanged.__slots__
    }
    assert state.legs[leg_id(0)].status is LegStatus.PENDING


@pytest.mark.parametrize("reason", CompensationReason)
def test_it_is_taken_back_for_the_reason_that_was_said(reason: CompensationReason) -> None:
    state = fold([*REQUESTED, failed(leg_id(0))])
    assert state is not None
    leg = state.legs[leg_id(0)]
    assert (leg.failures, leg.failed_requests, leg.retry_at) == (3, frozenset({refund_id()}), 77)
    started = CompensationStarted(
        reason=reason, payment_id=leg_id(0), code="card_declined", message="Declined.", stuck_at=99
    )
    state = evolve(state, started)
    assert (state.status, state.stuck_at) == (SplitPaymentStatus.COMPENSATING, 99)
    assert (state.compensation_reason, state.compensation_code, state.compensation_message) == (
        reason,
        "card_declined",
        "Declined.",
    )
    assert [(each.failures, each.retry_at) for each in state.legs.values()] == [(0, 0), (0, 0)]

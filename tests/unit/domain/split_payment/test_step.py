"""Single steps: when holds end, and what is said of what was refused or could not be taken back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import DisputeId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.observations import RecordAuthorized, RecordDispute
from domain.payment.values import DisputeStatus, RefundReason
from domain.saga.commands import RetryCompensation
from domain.split_payment.commands import CancelSplitPayment
from domain.split_payment.events import CompensationFailed, CompensationStarted, LegChanged, RefundPartChanged
from domain.split_payment.legs import next_refund
from domain.split_payment.policy import POLICY
from domain.split_payment.progress import hold_deadline
from domain.split_payment.state import SplitPaymentState
from domain.split_payment.step import step
from domain.split_payment.values import CompensationReason, LegStatus, RefundPartStatus, SplitPaymentStatus
from domain.split_payment.waits import Wait, WaitsFor, waits_for
from tests.unit.domain.payment_builders import usd
from tests.unit.domain.split_payment.worlds import START, WELL_BEHAVED, World, a_completed, a_refund, leg_id

HOLD_ENDS = int(START) + 7200


def held_until(world: World, number: int, end: int | None) -> World:
    """Let a leg's money be held until then."""
    payment_id = leg_id(number)
    held = RecordAuthorized(
        intent_id=StripeIntentId(f"pi_{payment_id.int:x}"),
        amount=usd(10_00),
        charge_id=StripeChargeId(f"ch_{payment_id.int:x}"),
        capture_before=end,
    )
    return world.observed(payment_id, held)


def disputed(
    world: World,
    number: int,
    status: DisputeStatus = DisputeStatus.NEEDS_RESPONSE,
    *,
    reinstated: tuple[Money, ...] = (),
) -> World:
    """Let the bank of a leg's payer demand the money: Stripe refunds no such charge. Or let it decide."""
    dispute = RecordDispute(
        dispute_id=DisputeId("du_1"),
        charge_id=StripeChargeId(f"ch_{leg_id(number).int:x}"),
        amount=usd(10_00),
        reason="fraudulent",
        status=status,
        evidence_due_by=None,
        withdrawn=(usd(10_00),),
        reinstated=reinstated,
    )
    return world.observed(leg_id(number), dispute)


def a_world_of_one_captured_and_one_refused_leg() -> World:
    world = World.of(2, replace(WELL_BEHAVED, refused_captures=True, failed_refunds=2)).stepped()
    for move in ("authorized:0", "authorized:1"):
        world = world.moves()[move]()
    return world.stepped().moves()["captured:0"]().stepped().moves()["capture_refused:1"]()


def a_state_of(legs: list[tuple[LegStatus, int | None]]) -> SplitPaymentState:
    state = World.of(len(legs), WELL_BEHAVED).state
    changed = {
        leg.payment_id: replace(leg, status=status, capture_before=end)
        for leg, (status, end) in zip(state.legs.values(), legs, strict=True)
    }
    return replace(state, legs=changed)


ends = st.none() | st.integers(0, 10**10)


@given(legs=st.lists(st.tuples(st.sampled_from(list(LegStatus)), ends), min_size=2, max_size=6))
def test_others_are_waited_for_until_the_first_known_hold_ends(legs: list[tuple[LegStatus, int | None]]) -> None:
    held = sorted(end for status, end in legs if status is LegStatus.AUTHORIZED and end is not None)
    deadline = hold_deadline(a_state_of(legs))
    assert deadline == (held[0] - POLICY.hold_margin_s if held else None)


def test_a_hold_that_is_about_to_end_is_released() -> None:
    world = World.of(3, WELL_BEHAVED).stepped()
    world = held_until(held_until(world, 0, HOLD_ENDS + 60), 1, HOLD_ENDS)
    world = replace(world, state=replace(world.state, expires_at=HOLD_ENDS)).stepped()
    assert world.due_at == HOLD_ENDS - POLICY.hold_margin_s
    assert replace(world, now=world.due_at - 1).stepped().state.status is SplitPaymentStatus.AUTHORIZING
    released = replace(world, now=world.due_at).stepped().state
    assert (released.status, released.compensation_reason) == (
        SplitPaymentStatus.COMPENSATING,
        CompensationReason.HOLD_EXPIRING,
    )


def test_a_hold_of_unknown_end_is_held_until_the_time_is_up() -> None:
    world = held_until(World.of(2, WELL_BEHAVED).stepped(), 0, None).stepped()
    assert world.due_at == world.state.expires_at
    expired = replace(world, now=float(world.state.expires_at)).stepped().state
    assert expired.compensation_reason is CompensationReason.EXPIRED


def test_a_capture_that_is_refused_says_which_leg_and_why() -> None:
    world = a_world_of_one_captured_and_one_refused_leg()
    events = step(world.state, world.legs, world.now).events
    assert [event for event in events if isinstance(event, CompensationStarted)] == [
        CompensationStarted(
            reason=CompensationReason.CAPTURE_FAILED,
            payment_id=leg_id(1),
            code="charge_expired_for_capture",
            message="Too late.",
            stuck_at=int(START + POLICY.stuck_after_s),
        )
    ]
    state = world.stepped().state
    assert (state.compensation_reason, state.compensation_code, state.compensation_message, state.stuck_at) == (
        CompensationReason.CAPTURE_FAILED,
        "charge_expired_for_capture",
        "Too late.",
        int(START + POLICY.stuck_after_s),
    )


def test_a_leg_that_can_no_longer_be_requested_says_why() -> None:
    world = World.of(2, WELL_BEHAVED)
    legs = {**world.state.legs, leg_id(1): replace(world.state.legs[leg_id(1)], amount=usd(1))}
    world = replace(world, state=replace(world.state, legs=legs))
    outcome = step(world.state, world.legs, world.now)
    started = next(event for event in outcome.events if isinstance(event, CompensationStarted))
    assert started == CompensationStarted(
        reason=CompensationReason.LEG_FAILED,
        payment_id=leg_id(1),
        code="amount_too_small",
        message="The amount must be at least 0.50 USD, not 0.01 USD.",
        stuck_at=int(START + POLICY.stuck_after_s),
    )
    after = world.stepped()
    assert after.legs[leg_id(1)] is None
    first = after.legs[leg_id(0)]
    assert first is not None
    assert first.cancel_requested is not None, "what was requested already is taken back"


def test_a_leg_that_is_lost_says_why_it_is_taken_back() -> None:
    world = World.of(2, replace(WELL_BEHAVED, refused_for_good=True)).stepped().moves()["failed:0"]().stepped()
    assert world.state.compensation_reason is CompensationReason.LEG_FAILED
    assert world.state.compensation_code == "resource_missing"
    assert world.state.compensation_message == "No such payment method."
    leg = world.state.legs[leg_id(0)]
    assert (leg.status, leg.code, leg.message) == (LegStatus.FAILED, "resource_missing", "No such payment method.")


def test_a_cancellation_that_fails_is_named_with_stripes_reason() -> None:
    world = World.of(2, replace(WELL_BEHAVED, refused_cancellations=2)).stepped().commanded(CancelSplitPayment())
    world = world.stepped()
    payment = world.legs[leg_id(0)]
    assert payment is not None
    assert payment.cancel_requested is not None
    refused = world.moves()["cancel_refused:0"]()
    (failed,) = (
        event
        for event in step(refused.state, refused.legs, refused.now).events
        if isinstance(event, CompensationFailed)
    )
    assert failed == CompensationFailed(
        payment_id=leg_id(0),
        request_id=payment.cancel_requested.request_id,  # type: ignore[arg-type]  # of either kind
        attempt=1,
        code="lock_timeout",
        message="Try again.",
        retry_at=int(START + POLICY.pause_s(1)),
    )


def test_a_refund_that_fails_is_named_with_stripes_reason() -> None:
    world = a_world_of_one_captured_and_one_refused_leg().stepped()
    payment = world.legs[leg_id(0)]
    assert payment is not None
    (refund_id,) = payment.refunds
    failed = world.moves()["refund_failed:0"]()
    events = step(failed.state, failed.legs, failed.now).events
    assert [event for event in events if not isinstance(event, LegChanged)] == [
        CompensationFailed(
            payment_id=leg_id(0),
            request_id=refund_id,
            attempt=1,
            code="lost_or_stolen_card",
            message="The refund failed.",
            retry_at=int(START + POLICY.pause_s(1)),
        )
    ]


def test_what_is_to_be_taken_back_is_not_tried_before_its_time() -> None:
    world = World.of(2, replace(WELL_BEHAVED, refused_cancellations=1)).stepped().commanded(CancelSplitPayment())
    world = world.stepped().moves()["cancel_refused:0"]().stepped()
    retry_at = world.state.legs[leg_id(0)].retry_at
    for now, is_tried in ((world.now, False), (retry_at - 1.0, False), (float(retry_at), True)):
        payment = replace(world, now=now).stepped().legs[leg_id(0)]
        assert payment is not None
        assert (payment.cancel_requested is not None) is is_tried


def test_a_leg_that_refuses_to_be_refunded_says_so_and_is_tried_again() -> None:
    world = disputed(a_world_of_one_captured_and_one_refused_leg(), 0)
    outcome = step(world.state, world.legs, world.now)
    (failed,) = (event for event in outcome.events if isinstance(event, CompensationFailed))
    assert (failed.payment_id, failed.request_id, failed.attempt) == (leg_id(0), None, 1)
    assert (failed.code, failed.retry_at) == ("payment_disputed", int(START + POLICY.pause_s(1)))
    assert failed.message.startswith("The dispute du_1 is open (needs_response)")
    assert leg_id(0) not in outcome.participants, "nothing was requested of it"
    payment = world.stepped().legs[leg_id(0)]
    assert payment is not None
    assert next_refund(payment) not in payment.refunds


def test_a_disputed_leg_is_named_once_and_refunded_when_the_dispute_is_won() -> None:
    world = disputed(a_world_of_one_captured_and_one_refused_leg(), 0).stepped()
    due: list[float] = []
    while (due_at := step(world.state, world.legs, world.now).due_at) is not None and len(due) < 5:
        due.append(due_at - START)
        world = replace(world, now=due_at).stepped()
    assert due == [POLICY.pause_s(1), POLICY.stuck_after_s]
    assert world.state.status is SplitPaymentStatus.COMPENSATION_STUCK, "a person was called, once"
    assert world.state.legs[leg_id(0)].failures == 1
    later = replace(world, now=world.now + 90 * 86400)
    assert step(later.state, later.legs, later.now).events == ()
    assert Wait(payment_id=leg_id(0), waits_for=WaitsFor.STRIPE) in waits_for(later.state)

    retried = later.commanded(RetryCompensation(actor="op_1", reason="Is it over?", now=later.now)).stepped()
    assert retried.state.legs[leg_id(0)].failures == 1, "who asks is told"

    won = disputed(later, 0, DisputeStatus.WON).stepped()
    payment = won.legs[leg_id(0)]
    assert payment is not None
    assert [each.amount for each in payment.refunds.values()] == [usd(10_00)]


def test_a_leg_whose_dispute_is_lost_in_part_still_has_money() -> None:
    world = disputed(a_world_of_one_captured_and_one_refused_leg(), 0, DisputeStatus.LOST, reinstated=(usd(4_00),))
    assert world.stepped().state.legs[leg_id(0)].status is LegStatus.CAPTURED
    lost = disputed(a_world_of_one_captured_and_one_refused_leg(), 0, DisputeStatus.LOST)
    assert lost.stepped().state.legs[leg_id(0)].status is LegStatus.REFUNDED


def test_a_leg_lost_to_a_dispute_takes_no_part_of_a_refund() -> None:
    world = disputed(a_completed(), 0, DisputeStatus.LOST).stepped()
    assert world.state.refundable(leg_id(0)) == usd(0)
    refund = a_refund(1500)
    parts = world.commanded(refund).state.refunds[refund.refund_id].parts
    assert [(part.payment_id, part.amount) for part in parts] == [(leg_id(1), usd(7_50)), (leg_id(2), usd(7_50))]


@pytest.mark.parametrize(
    ("status", "reinstated"), [(DisputeStatus.NEEDS_RESPONSE, ()), (DisputeStatus.LOST, (usd(4_00),))]
)
def test_a_leg_with_a_contested_dispute_takes_no_part_of_a_refund(
    status: DisputeStatus, reinstated: tuple[Money, ...]
) -> None:
    world = disputed(a_completed(), 0, status, reinstated=reinstated).stepped()
    assert world.state.amount_refundable == usd(20_00)
    refund = a_refund(1500)
    parts = world.commanded(refund).stepped().state.refunds[refund.refund_id].parts
    assert [(part.payment_id, part.amount, part.status) for part in parts] == [
        (leg_id(1), usd(7_50), "pending"),
        (leg_id(2), usd(7_50), "pending"),
    ]


def test_a_leg_takes_parts_of_refunds_again_once_its_dispute_is_won() -> None:
    world = disputed(disputed(a_completed(), 0).stepped(), 0, DisputeStatus.WON).stepped()
    assert world.state.amount_refundable == usd(30_00)


def test_a_part_that_its_leg_refuses_fails_alone_and_says_why() -> None:
    refund = replace(a_refund(1500), reason=RefundReason.FRAUDULENT)
    world = disputed(a_completed().commanded(refund), 1)
    parts = world.state.refunds[refund.refund_id].parts
    outcome = step(world.state, world.legs, world.now)
    (failed,) = (event for event in outcome.events if isinstance(event, RefundPartChanged))
    assert (failed.refund_id, failed.payment_id) == (refund.refund_id, leg_id(1))
    assert (failed.status, failed.code) == (RefundPartStatus.FAILED, "payment_disputed")
    assert failed.message is not None
    assert failed.message.startswith("The dispute du_1 is open")
    after = world.stepped()
    assert [part.status for part in after.state.refunds[refund.refund_id].parts] == ["pending", "failed", "pending"]
    requested = {
        payment_id: [(each.refund_id, each.amount, each.reason) for each in payment.refunds.values()]
        for payment_id, payment in after.legs.items()
        if payment is not None and payment.refunds
    }
    assert requested == {
        part.payment_id: [(part.refund_id, part.amount, RefundReason.FRAUDULENT)]
        for part in parts
        if part.payment_id != leg_id(1)
    }


def test_what_becomes_of_a_part_is_recorded_with_stripes_reason() -> None:
    world = a_completed()
    world = replace(world, stripe=dict.fromkeys(world.legs, replace(WELL_BEHAVED, failed_refunds=1)))
    refund = a_refund(1500)
    world = world.commanded(refund).stepped().moves()["refunded:0"]().moves()["refund_failed:1"]()
    events = step(world.state, world.legs, world.now).events
    assert [event for event in events if isinstance(event, RefundPartChanged)] == [
        RefundPartChanged(
            refund_id=refund.refund_id,
            payment_id=leg_id(0),
            status=RefundPartStatus.SUCCEEDED,
            code=None,
            message=None,
        ),
        RefundPartChanged(
            refund_id=refund.refund_id,
            payment_id=leg_id(1),
            status=RefundPartStatus.FAILED,
            code="lost_or_stolen_card",
            message="The refund failed.",
        ),
    ]

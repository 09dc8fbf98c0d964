"""Commands on split payments: what is refused, and how a refund is spread."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import granularity
from domain.ids import RefundId, SplitPaymentId, UserId
from domain.money import AmountTooSmall, Money
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, RequestRefund
from domain.payment.decide import decide as decide_payment
from domain.payment.errors import PaymentIsLeg, PaymentNotCapturable
from domain.payment.values import CancellationReason, RefundReason
from domain.saga.commands import GiveUpSaga, RetryCompensation
from domain.split_payment.commands import CancelSplitPayment, SplitPaymentCommand
from domain.split_payment.decide import MAX_LEGS, decide
from domain.split_payment.errors import (
    InvalidSplitPayment,
    SplitPaymentAlreadyExists,
    SplitPaymentNotCancelable,
    SplitPaymentNotRefundable,
    SplitPaymentNotStuck,
    SplitPaymentUnknown,
    SplitRefundExceedsRefundable,
)
from domain.split_payment.events import (
    CompensationRetried,
    CompensationStuck,
    RequestedLeg,
    RequestedPart,
    SplitPaymentGivenUp,
    SplitPaymentRequested,
    SplitRefundRequested,
)
from domain.split_payment.evolve import fold
from domain.split_payment.policy import POLICY
from domain.split_payment.spread import spread
from domain.split_payment.step import step
from domain.split_payment.values import LegStatus, SplitPaymentStatus, SplitRefundStatus
from tests.unit.domain.payment_builders import request_id, usd
from tests.unit.domain.split_payment.worlds import (
    SPLIT_PAYMENT_ID,
    WELL_BEHAVED,
    World,
    a_completed,
    a_refund,
    a_split_request,
    leg_id,
)


@pytest.mark.parametrize("legs", [1, MAX_LEGS + 1])
def test_there_are_two_to_twenty_legs(legs: int) -> None:
    with pytest.raises(InvalidSplitPayment, match="legs must be from 2 to 20"):
        decide(None, a_split_request(legs))


def test_a_leg_keeps_the_rules_of_payments_and_is_named() -> None:
    request = a_split_request(2)
    nameless = replace(request.legs[1], user_id=UserId(" "))
    with pytest.raises(InvalidSplitPayment) as refused:
        decide(None, replace(request, legs=(request.legs[0], nameless)))
    assert refused.value.field == "legs.1.user_id"
    euros = replace(request.legs[1], amount=Money(amount_cents=1000, currency="EUR"))
    with pytest.raises(InvalidSplitPayment, match="currency must be that of the split payment"):
        decide(None, replace(request, legs=(request.legs[0], euros)))
    cents = replace(request.legs[1], amount=Money(amount_cents=1, currency="USD"))
    with pytest.raises(AmountTooSmall) as too_small:
        decide(None, replace(request, legs=(request.legs[0], cents)))
    assert too_small.value.field == "legs.1.amount_cents"
    assert AmountTooSmall.field == "amount_cents", "of others it names no leg"
    with pytest.raises(InvalidSplitPayment, match="metadata"):
        decide(None, replace(request, metadata={"paystream_x": "1"}))
    with pytest.raises(InvalidSplitPayment, match="expires_in_seconds"):
        decide(None, replace(request, expires_in_seconds=1))


def test_it_is_all_that_was_requested() -> None:
    request = replace(a_split_request(2), metadata={"table": "7"})
    first, second = request.legs
    request = replace(request, legs=(first, replace(second, amount=usd(5_00), metadata={"seat": "2"})))
    expected = SplitPaymentRequested(
        split_payment_id=SPLIT_PAYMENT_ID,
        merchant_id=request.merchant_id,
        user_id=request.user_id,
        amount=usd(15_00),
        legs=tuple(
            RequestedLeg(
                payment_id=leg.payment_id,
                user_id=leg.user_id,
                amount=leg.amount,
                payment_method=leg.payment_method,
                metadata=dict(leg.metadata),
            )
            for leg in request.legs
        ),
        metadata={"table": "7"},
        idempotency_key="key_1",
        expires_at=int(request.now) + 600,
    )
    assert decide(None, request) == (expected,)
    state = fold([expected])
    assert state is not None
    kept = ("split_payment_id", "merchant_id", "user_id", "amount", "metadata", "idempotency_key", "expires_at")
    assert [getattr(state, each) for each in kept] == [getattr(expected, each) for each in kept]
    for leg, requested in zip(state.legs.values(), expected.legs, strict=True):
        of_leg = RequestedLeg.__slots__
        assert [getattr(leg, each) for each in of_leg] == [getattr(requested, each) for each in of_leg]
        assert (leg.status, leg.captured, leg.refunded_elsewhere) == (LegStatus.PENDING, usd(0), usd(0))


def test_what_an_operator_does_is_recorded_with_who_why_and_what_is_left() -> None:
    world = World.of(3, WELL_BEHAVED).stepped().commanded(CancelSplitPayment()).stepped()
    world = world.moves()["canceled:1"]().stepped()
    retry = RetryCompensation(actor="ada", reason="the bank is back", now=world.now)
    assert decide(world.state, retry) == (
        CompensationRetried(actor="ada", reason="the bank is back", stuck_at=int(world.now + POLICY.stuck_after_s)),
    )
    left = (leg_id(0), leg_id(2))
    assert decide(world.state, GiveUpSaga(actor="ada", reason="paid back by hand")) == (
        SplitPaymentGivenUp(actor="ada", reason="paid back by hand", payment_ids=left),
    )
    assert world.due_at is not None
    called = step(world.state, world.legs, world.due_at)
    assert called.events == (CompensationStuck(payment_ids=left),)


def test_it_is_requested_once_and_has_to_exist() -> None:
    state = World.of(2, WELL_BEHAVED).state
    with pytest.raises(SplitPaymentAlreadyExists):
        decide(state, a_split_request(2))
    with pytest.raises(SplitPaymentUnknown):
        decide(None, CancelSplitPayment())


def test_it_is_canceled_until_captures_began_and_the_reason_goes_to_stripe() -> None:
    world = World.of(2, WELL_BEHAVED).stepped()
    canceled = world.commanded(CancelSplitPayment(reason=CancellationReason.DUPLICATE)).stepped()
    assert canceled.state.status is SplitPaymentStatus.COMPENSATING
    (first, _) = canceled.legs.values()
    assert first is not None
    assert first.cancel_requested is not None
    assert first.cancel_requested.reason == "duplicate"
    for each, advice in ((canceled.state, "taken back already"), (a_completed().state, "refund it instead")):
        with pytest.raises(SplitPaymentNotCancelable, match=advice):
            decide(each, CancelSplitPayment())


def test_operators_act_while_something_is_taken_back_and_say_why() -> None:
    world = World.of(2, WELL_BEHAVED).stepped()
    commands: list[SplitPaymentCommand] = [
        RetryCompensation(actor="ops", reason="a reason", now=1.0),
        GiveUpSaga(actor="ops", reason="a reason"),
    ]
    for command in commands:
        with pytest.raises(
            SplitPaymentNotStuck, match=rf"Nothing is being taken back \(split payment {SPLIT_PAYMENT_ID}"
        ):
            decide(world.state, command)
    canceled = world.commanded(CancelSplitPayment()).stepped()
    with pytest.raises(InvalidSplitPayment, match="reason must not be empty"):
        decide(canceled.state, GiveUpSaga(actor="ops", reason=" "))
    given_up = canceled.commanded(GiveUpSaga(actor="ops", reason="a reason"))
    assert given_up.state.status is SplitPaymentStatus.GIVEN_UP


@pytest.mark.parametrize(
    "command",
    [
        CapturePayment(request_id=request_id()),
        CancelPayment(request_id=request_id()),
        RequestRefund(refund_id=RefundId(UUID(int=1))),
    ],
)
def test_a_leg_obeys_its_split_payment_alone(command: CapturePayment | CancelPayment | RequestRefund) -> None:
    leg = World.of(2, WELL_BEHAVED).stepped().legs[leg_id(0)]
    for stranger in (None, SplitPaymentId(UUID(int=9))):
        with pytest.raises(PaymentIsLeg):
            decide_payment(leg, replace(command, split_payment_id=stranger))
    if isinstance(command, CapturePayment):  # it is its turn, and the rules of payments say the rest
        with pytest.raises(PaymentNotCapturable):
            decide_payment(leg, replace(command, split_payment_id=SPLIT_PAYMENT_ID))


def test_a_customer_may_bring_another_card_for_a_leg() -> None:
    world = World.of(2, replace(WELL_BEHAVED, declines=1)).stepped().moves()["declined:0"]()
    assert decide_payment(world.legs[leg_id(0)], ConfirmPayment(payment_method="pm_2"))


def test_what_fails_is_tried_ever_more_seldom_and_a_person_is_called() -> None:
    stripe = replace(WELL_BEHAVED, refused_cancellations=POLICY.stuck_failures)
    world = World.of(2, stripe).stepped().commanded(CancelSplitPayment()).stepped()
    world = world.moves()["canceled:1"]()
    pauses = []
    while world.state.status is SplitPaymentStatus.COMPENSATING:
        world = world.moves()["cancel_refused:0"]().stepped()
        leg = world.state.legs[leg_id(0)]
        pauses.append(leg.retry_at - world.now)
        if world.state.status is SplitPaymentStatus.COMPENSATING:
            world = world.moves()["timer"]()
    assert [round(each) for each in pauses] == [5, 10, 20, 40, 80, 160, 320, 640]
    assert world.state.status is SplitPaymentStatus.COMPENSATION_STUCK
    assert world.due_at is not None, "it is tried again all the same"
    retried = world.commanded(RetryCompensation(actor="ops", reason="the bank is back", now=world.now)).stepped()
    ended = retried.moves()["canceled:0"]().stepped()
    assert ended.state.status is SplitPaymentStatus.COMPENSATED


def test_what_is_unknown_is_waited_for_until_a_person_is_called() -> None:
    world = World.of(2, WELL_BEHAVED).stepped().commanded(CancelSplitPayment()).stepped()
    assert world.due_at == world.state.stuck_at
    called = world.moves()["timer"]()
    assert called.state.status is SplitPaymentStatus.COMPENSATION_STUCK
    ended = called.moves()["canceled:0"]().moves()["canceled:1"]().stepped()
    assert ended.state.status is SplitPaymentStatus.COMPENSATED


def test_a_refund_reserves_its_parts_and_one_that_fails_shows() -> None:
    world = a_completed()
    with pytest.raises(
        SplitPaymentNotRefundable, match="Only a split payment that is completed can be refunded"
    ) as early:
        decide(World.of(2, WELL_BEHAVED).state, a_refund(legs=2))
    assert early.value.split_payment_id == SPLIT_PAYMENT_ID
    world = replace(world, stripe=dict.fromkeys(world.legs, replace(WELL_BEHAVED, failed_refunds=1)))
    world = world.commanded(a_refund(1000)).stepped()
    assert world.state.amount_refundable == usd(2000)
    with pytest.raises(SplitRefundExceedsRefundable, match=r"A refund of 20\.01 USD is too much: 20\.00 USD can be"):
        decide(world.state, a_refund(2001, number=2))
    world = world.moves()["refunded:0"]().moves()["refund_failed:1"]().moves()["refunded:2"]().stepped()
    (refund,) = world.state.refunds.values()
    assert refund.status is SplitRefundStatus.PARTLY_FAILED
    assert [(part.status, part.code, part.message) for part in refund.parts] == [
        ("succeeded", None, None),
        ("failed", "lost_or_stolen_card", "The refund failed."),
        ("succeeded", None, None),
    ]
    assert world.state.status is SplitPaymentStatus.COMPLETED
    assert world.state.amount_refundable == usd(2000 + 333)
    assert decide(world.state, a_refund(1000)) == (), "a refund that is requested again is the first one"


amounts = st.lists(st.integers(0, 10**6), min_size=2, max_size=20).filter(any)


@given(units=amounts, data=st.data(), currency=st.sampled_from(["USD", "JPY", "ISK", "KWD"]))
def test_the_parts_add_up_and_none_exceeds_its_leg(units: list[int], data: st.DataObject, currency: str) -> None:
    step = granularity(currency)
    refundable = {number: Money(amount_cents=each * step, currency=currency) for number, each in enumerate(units)}
    amount = Money(amount_cents=data.draw(st.integers(1, sum(units))) * step, currency=currency)
    parts = spread(amount, refundable)
    assert sum(part.amount_cents for part in parts.values()) == amount.amount_cents
    for number, part in parts.items():
        assert 0 < part.amount_cents <= refundable[number].amount_cents
        assert part.amount_cents % step == 0
        exact = amount.amount_cents * units[number] / sum(units)
        assert abs(part.amount_cents - exact) < step, "in proportion, but for a unit"


def test_the_first_leg_has_the_unit_that_is_left_over() -> None:
    equal = {number: usd(1000) for number in range(3)}
    assert spread(usd(1000), equal) == {0: usd(334), 1: usd(333), 2: usd(333)}
    assert spread(usd(1), equal) == {0: usd(1)}


@pytest.mark.parametrize(("cents", "parts"), [(1, [1]), (1500, [500, 500, 500]), (None, [1000, 1000, 1000])])
@pytest.mark.parametrize("reason", [None, RefundReason.DUPLICATE])
def test_a_refund_is_the_sum_of_its_parts_and_says_why(
    cents: int | None, parts: list[int], reason: RefundReason | None
) -> None:
    command = replace(a_refund(cents), reason=reason)
    requested = SplitRefundRequested(
        refund_id=command.refund_id,
        amount=usd(sum(parts)),
        reason=reason,
        parts=tuple(
            RequestedPart(payment_id=leg_id(number), refund_id=command.part_ids[number], amount=usd(part))
            for number, part in enumerate(parts)
        ),
    )
    world = a_completed()
    assert decide(world.state, command) == (requested,)
    refund = world.commanded(command).state.refunds[command.refund_id]
    assert (refund.amount, refund.reason) == (usd(sum(parts)), reason)


def test_a_refund_names_the_legs_that_it_falls_on() -> None:
    (event,) = decide(a_completed().state, a_refund(1))
    assert isinstance(event, SplitRefundRequested)
    assert [part.payment_id for part in event.parts] == [leg_id(0)]

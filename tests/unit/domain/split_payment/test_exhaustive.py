"""Every order in which things can happen to a split payment of two and of three legs, one by one.

What can happen: each answer of Stripe to each request, a customer who acts or brings another card, a hold that ends,
the deadline and every other timer, a cancellation, an operator, and a step of the saga, which may come late or twice. A
crash undoes a step as a whole, so it leads to a state that is visited anyway. Legs are interchangeable: of states that
differ by which leg is which, one is visited.
"""

from collections import Counter
from collections.abc import Hashable

import pytest

from domain.payment.state import PaymentState
from domain.saga.status import ENDED
from domain.split_payment.state import LegState
from domain.split_payment.values import SplitPaymentStatus
from tests.unit.domain.split_payment.worlds import Stripe, World

CARDS = Stripe(declines=1, refused_captures=False)
ACTIONS = Stripe(actions=1, refused_for_good=False)
COMPENSATIONS = Stripe(refused_cancellations=1, failed_refunds=1)
HOLDS = Stripe(ended_holds=True)
THREE_LEGS = Stripe()


def key(world: World) -> Hashable:
    state = world.state
    legs = sorted(repr(_leg_key(world, leg, world.legs[payment_id])) for payment_id, leg in state.legs.items())
    flags = (state.cancel_requested, world.now >= state.expires_at, world.operators)
    is_late = state.stuck_at is not None and world.now >= state.stuck_at
    return (state.status, *flags, is_late, world.due_at is None or world.due_at > world.now, *legs)


def _leg_key(world: World, leg: LegState, payment: PaymentState | None) -> Hashable:
    counts = (leg.refunded_elsewhere.amount_cents, leg.failures, len(leg.failed_requests))
    noticed = (leg.status, *counts, leg.retry_at > world.now, world.stripe[leg.payment_id], leg.code)
    if payment is None:
        return noticed
    refunds = tuple(each.status for each in payment.refunds.values())
    open_requests = (payment.confirmation_requested, payment.capture_requested is not None)
    cancellations = (payment.cancel_requested is not None, len(payment.requests_seen))
    return (*noticed, payment.status, *open_requests, *cancellations, *refunds)


def check(world: World) -> None:
    state, captured, whole = (
        world.state,
        world.captured,
        [each.amount.amount_cents for each in world.state.legs.values()],
    )
    if state.status is SplitPaymentStatus.COMPLETED:
        assert captured == whole
    if state.status is SplitPaymentStatus.AUTHORIZING:
        assert not any(captured), "nothing is taken before all of it is secured"
    again = world.stepped()
    assert key(again.stepped()) == key(again), "a step that is made twice adds nothing"
    for payment_id, payment in again.legs.items():
        if payment is not None and payment.confirmation_requested and not payment.failed_cancellations:
            assert again.state.legs[payment_id].code is None, "another card is under way: it was not declined"
    if again.state.status is SplitPaymentStatus.COMPENSATED:
        assert not any(captured)
        assert not any(world.held)


def explore(world: World) -> Counter[SplitPaymentStatus]:
    """Visit every state from here on; return how many there are of each status."""
    seen, pending, statuses = {key(world)}, [world], Counter[SplitPaymentStatus]()
    while pending:
        world = pending.pop()
        check(world)
        statuses[world.state.status] += 1
        moves = world.moves()
        if set(moves) <= {"step", "cancel", "retry", "give_up"} and key(world.stepped()) == key(world):
            assert world.state.saga_status in ENDED, "nothing is on its way, no timer runs, and it is not at an end"
        for move in moves.values():
            after = move()
            if key(after) not in seen:
                seen.add(key(after))
                pending.append(after)
    return statuses


@pytest.mark.parametrize(
    ("legs", "stripe", "operators"),
    [
        (2, CARDS, 0),
        (2, ACTIONS, 0),
        (2, HOLDS, 0),
        (2, COMPENSATIONS, 0),
        (2, Stripe(failed_refunds=1), 1),
        (3, THREE_LEGS, 0),
    ],
    ids=[
        "two_legs_and_another_card",
        "two_legs_whose_customers_act",
        "two_legs_whose_holds_end",
        "two_legs_not_taken_back_at_once",
        "two_legs_and_an_operator",
        "three_legs",
    ],
)
def test_money_is_all_or_nothing_whatever_the_order(
    legs: int, stripe: Stripe, operators: int, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = explore(World.of(legs, stripe, operators=operators))
    with capsys.disabled():
        shown = ", ".join(f"{status} {number}" for status, number in sorted(statuses.items()))
        print(f"\nsplit payment of {legs} legs: {statuses.total()} states ({shown})")  # noqa: T201 - to be seen
    assert statuses[SplitPaymentStatus.COMPLETED]
    assert statuses[SplitPaymentStatus.COMPENSATED]

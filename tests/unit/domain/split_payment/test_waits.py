"""What a split payment waits for, leg by leg."""

from dataclasses import replace

import pytest

from domain.split_payment.values import LegStatus, SplitPaymentStatus
from domain.split_payment.waits import Wait, WaitsFor, waits_for
from tests.unit.domain.split_payment.worlds import WELL_BEHAVED, World, leg_id

S, L = SplitPaymentStatus, LegStatus
CUSTOMER, STRIPE, RETRY, OPERATOR = WaitsFor.CUSTOMER, WaitsFor.STRIPE, WaitsFor.RETRY, WaitsFor.OPERATOR
TAKEN_BACK = [S.COMPENSATING, S.COMPENSATION_STUCK]
STATE = World.of(2, WELL_BEHAVED).state


def waits(status: SplitPaymentStatus, leg_status: LegStatus, *, failures: int = 0) -> tuple[Wait, ...]:
    """What it waits for whose second leg stands so; the first one holds it up nowhere."""
    first, second = STATE.legs.values()
    there = L.CANCELED if status in TAKEN_BACK else L.CAPTURED
    legs = {
        first.payment_id: replace(first, status=there),
        second.payment_id: replace(second, status=leg_status, failures=failures, retry_at=77 if failures else 0),
    }
    return waits_for(replace(STATE, status=status, legs=legs))


@pytest.mark.parametrize(
    ("status", "leg_status", "whose"),
    [
        (S.AUTHORIZING, L.PENDING, STRIPE),
        (S.AUTHORIZING, L.REQUIRES_PAYMENT_METHOD, CUSTOMER),
        (S.AUTHORIZING, L.REQUIRES_CONFIRMATION, CUSTOMER),
        (S.AUTHORIZING, L.REQUIRES_ACTION, CUSTOMER),
        (S.AUTHORIZING, L.PROCESSING, STRIPE),
        (S.AUTHORIZING, L.AUTHORIZED, None),
        (S.AUTHORIZING, L.CAPTURED, None),
        (S.AUTHORIZING, L.FAILED, None),
        (S.AUTHORIZING, L.CONTRADICTED, OPERATOR),
        (S.CAPTURING, L.AUTHORIZED, STRIPE),
        (S.CAPTURING, L.CAPTURED, None),
        (S.CAPTURING, L.CANCELED, None),
        (S.CAPTURING, L.CONTRADICTED, OPERATOR),
        *((each, L.AUTHORIZED, STRIPE) for each in TAKEN_BACK),
        *((each, L.REQUIRES_ACTION, STRIPE) for each in TAKEN_BACK),
        *((each, L.CONTRADICTED, OPERATOR) for each in TAKEN_BACK),
        *((each, released, None) for each in TAKEN_BACK for released in (L.CANCELED, L.FAILED, L.REFUNDED)),
        *((each, L.CONTRADICTED, None) for each in (S.COMPLETED, S.COMPENSATED, S.GIVEN_UP)),
    ],
)
def test_a_leg_is_waited_for_by_name(status: SplitPaymentStatus, leg_status: LegStatus, whose: WaitsFor | None) -> None:
    expected = () if whose is None else (Wait(payment_id=leg_id(1), waits_for=whose),)
    assert waits(status, leg_status) == expected


@pytest.mark.parametrize("status", TAKEN_BACK)
def test_what_failed_waits_for_its_next_try(status: SplitPaymentStatus) -> None:
    (wait,) = waits(status, L.AUTHORIZED, failures=2)
    assert wait == Wait(payment_id=leg_id(1), waits_for=RETRY, until=77)
    assert str(wait) == f"leg {leg_id(1)}: retry at 77"
    assert waits(status, L.CANCELED, failures=2) == ()


def test_every_leg_that_is_not_there_is_waited_for() -> None:
    assert [(each.payment_id, str(each)) for each in waits_for(STATE)] == [
        (leg_id(number), f"leg {leg_id(number)}: stripe") for number in range(2)
    ]

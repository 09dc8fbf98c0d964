"""Which payments the sweeper may give up for their customers."""

from consumers.sweeper.abandoned import is_left
from tests.unit.domain.payment_builders import a_request, attempt_failed, payment_after
from tests.unit.domain.split_payment.worlds import SPLIT_PAYMENT_ID


def test_a_leg_is_given_up_by_its_split_payment_alone() -> None:
    assert is_left(payment_after(a_request(), attempt_failed()))
    assert not is_left(payment_after(a_request(split_payment_id=SPLIT_PAYMENT_ID), attempt_failed()))

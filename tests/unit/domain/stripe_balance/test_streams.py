"""A payout is read many times; only a status that follows the last one is worth an event."""

import pytest

from domain.ids import BalanceTransactionId, PayoutId
from domain.stripe_balance import PayoutStatus, new_payout_events, payout_stream, transaction_stream
from tests.support.balance_events import a_payout


def test_what_is_seen_first_is_new_and_so_is_another_status() -> None:
    pending, paid = a_payout(PayoutStatus.PENDING), a_payout(PayoutStatus.PAID)
    assert new_payout_events([], pending) == (pending,)
    assert new_payout_events([pending], paid) == (paid,)
    assert new_payout_events([pending, paid], a_payout(PayoutStatus.FAILED)) != ()


def test_the_same_status_again_is_none_whatever_else_has_changed() -> None:
    assert new_payout_events([a_payout(PayoutStatus.PAID)], a_payout(PayoutStatus.PAID, arrival_date=1)) == ()


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (PayoutStatus.IN_TRANSIT, PayoutStatus.PENDING),
        (PayoutStatus.PAID, PayoutStatus.PENDING),
        (PayoutStatus.PAID, PayoutStatus.IN_TRANSIT),
        (PayoutStatus.FAILED, PayoutStatus.PENDING),
        (PayoutStatus.FAILED, PayoutStatus.IN_TRANSIT),
        (PayoutStatus.FAILED, PayoutStatus.PAID),
        (PayoutStatus.CANCELED, PayoutStatus.PENDING),
    ],
)
def test_what_was_read_earlier_and_is_recorded_later_is_not_new(newer: PayoutStatus, older: PayoutStatus) -> None:
    """The ledger would have money at the bank once more, of a payout that came back."""
    assert new_payout_events([a_payout(older), a_payout(newer)], a_payout(older)) == ()
    assert new_payout_events([a_payout(older)], a_payout(newer)) == (a_payout(newer),)


def test_a_log_that_went_back_once_is_put_right_by_the_next_reading() -> None:
    went_back = [a_payout(PayoutStatus.FAILED), a_payout(PayoutStatus.PAID)]
    assert new_payout_events(went_back, a_payout(PayoutStatus.FAILED)) == (a_payout(PayoutStatus.FAILED),)


def test_streams_are_the_same_for_everybody_and_never_shared() -> None:
    x, y = BalanceTransactionId("x"), BalanceTransactionId("y")
    assert transaction_stream(x) == transaction_stream(BalanceTransactionId("x"))
    payouts = {payout_stream(PayoutId(each)) for each in ("x", "y")}
    assert len({transaction_stream(x), transaction_stream(y), *payouts}) == 4

"""A payout is read many times; only another status is worth an event."""

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


def test_streams_are_the_same_for_everybody_and_never_shared() -> None:
    x, y = BalanceTransactionId("x"), BalanceTransactionId("y")
    assert transaction_stream(x) == transaction_stream(BalanceTransactionId("x"))
    payouts = {payout_stream(PayoutId(each)) for each in ("x", "y")}
    assert len({transaction_stream(x), transaction_stream(y), *payouts}) == 4

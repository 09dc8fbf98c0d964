"""A whole listing at the start, and one each interval."""

from consumers.stripe.lists.whole_listings import WholeListings
from infra.stripe.guard.fakes import ManualClock


def test_the_first_is_a_whole_one_and_then_one_each_interval() -> None:
    clock = ManualClock()
    whole = WholeListings(3600, clock=clock)
    assert whole.begin()
    clock.now = 300  # it took five minutes
    whole.ended()
    clock.now = 3599
    assert not whole.begin()
    clock.now = 3600
    assert whole.begin()


def test_one_that_was_cut_short_stays_due() -> None:
    clock = ManualClock()
    whole = WholeListings(3600, clock=clock)
    assert whole.begin()
    clock.now = 60
    assert whole.begin()
    whole.ended()
    assert not whole.begin()

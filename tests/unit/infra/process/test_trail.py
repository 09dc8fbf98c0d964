"""How long a follower has lacked something."""

from hypothesis import given
from hypothesis import strategies as st

from infra.process.trail import Trail


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_follower_lacks_something_since_it_was_there() -> None:
    clock = Clock()
    trail = Trail(clock=clock)
    for end in (10, 20, 20, 30):
        trail.note(end)
        clock.now += 5
    assert trail.end == 30
    assert [trail.lacking_s(reached) for reached in (0, 9, 10, 19, 20, 29, 30, 31)] == [20, 20, 15, 15, 5, 5, 0, 0]


def test_nothing_is_lacking_before_the_first_look() -> None:
    trail = Trail(clock=Clock())
    assert (trail.end, trail.lacking_s(0)) == (None, 0)


def test_a_sequence_that_ends_earlier_is_another_one() -> None:
    clock = Clock()
    trail = Trail(clock=clock)
    trail.note(1000)
    clock.now += 60
    trail.note(3)
    assert (trail.end, trail.lacking_s(0), trail.lacking_s(1000)) == (3, 0, 0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=200), st.integers(2, 20), st.integers(0, 2000))
def test_times_are_bounded_in_memory_and_never_too_long(steps: list[int], most: int, reached: int) -> None:
    """Compared with one that forgets nothing."""
    clock = Clock()
    trail, whole = Trail(most=most, clock=clock), Trail(clock=clock)
    end = 0
    for step in steps:
        end += step
        trail.note(end)
        whole.note(end)
        clock.now += 1
    assert len(trail._ends) <= most
    assert trail.end == whole.end
    assert trail.lacking_s(reached) <= whole.lacking_s(reached)
    assert (trail.lacking_s(reached) > 0) == (whole.lacking_s(reached) > 0)

"""Pauses between attempts: longer and longer, never longer than the longest."""

from infra.backoff import Backoff, Pauses

BACKOFF = Backoff(first_s=0.5, longest_s=60.0)


def test_the_ceiling_doubles_and_is_capped() -> None:
    ceilings = [BACKOFF.jittered_s(failures, lambda _, high: high) for failures in (1, 2, 3, 8, 1000)]
    assert ceilings == [0.5, 1.0, 2.0, 60.0, 60.0]


def test_every_delay_up_to_the_ceiling_is_possible() -> None:
    assert BACKOFF.jittered_s(3, lambda low, _: low) == 0.0


def test_a_success_makes_the_next_pause_the_first_again() -> None:
    pauses = Pauses(Backoff(first_s=1.0, longest_s=3.0))
    assert [pauses.failed() for _ in range(4)] == [1.0, 2.0, 3.0, 3.0]
    pauses.succeeded()
    assert pauses.failed() == 1.0


def test_the_factor_can_be_another() -> None:
    assert Backoff(first_s=0.02, longest_s=0.05, factor=1.25).pause_s(2) == 0.025

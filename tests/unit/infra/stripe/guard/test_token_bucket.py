"""The adaptive bucket's arithmetic."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.stripe.guard.token_bucket import LocalTokenBucket, TokenBucketRules

LIMITS = st.floats(min_value=2, max_value=5000)
REQUESTS = st.lists(st.tuples(st.floats(min_value=0, max_value=0.5), st.integers(1, 20)), min_size=1, max_size=300)


@given(limit=LIMITS, requests=REQUESTS)
def test_no_second_holds_more_calls_than_the_limit(limit: float, requests: list[tuple[float, int]]) -> None:
    bucket = LocalTokenBucket(TokenBucketRules(limit=limit))
    now, calls = 0.0, []
    for gap, together in requests:
        now += gap
        reservation = bucket.reserve(now, successes=0, calls=together)
        if reservation.granted:
            assert len(reservation.later_s) < together
            calls += [now + wait_s for wait_s in (reservation.wait_s, *reservation.later_s)]
    assert calls == sorted(calls)
    for first, moment in enumerate(calls):
        within = sum(1 for other in calls[first:] if other < moment + 1 - 1e-6)
        assert within <= limit + 1e-6


@given(limit=LIMITS, steps=st.lists(st.tuples(st.floats(0, 3), st.integers(0, 200), st.booleans()), max_size=60))
def test_the_rate_stays_between_its_bounds_and_turns_never_go_back(
    limit: float, steps: list[tuple[float, int, bool]]
) -> None:
    rules = TokenBucketRules(limit=limit)
    bucket = LocalTokenBucket(rules)
    now, reservations = 0.0, [float("-inf")]
    for seconds, successes, cut in steps:
        now += seconds
        if cut:
            bucket.halve_rate(now)
        reservation = bucket.reserve(now, successes=successes)
        assert rules.lowest - 1e-9 <= bucket.rate <= rules.highest + 1e-9
        assert reservation.wait_s >= 0
        if reservation.granted:
            assert reservation.wait_s <= rules.longest_wait_s
            reservations.append(now + reservation.wait_s)
    assert all(earlier <= later + 1e-9 for earlier, later in pairwise(reservations))


def test_idle_time_is_saved_up_for_one_burst() -> None:
    bucket = LocalTokenBucket(TokenBucketRules(limit=111))  # 100 calls a second, 10 of them at once
    assert TokenBucketRules(limit=111).highest == pytest.approx(100)
    waits = [bucket.reserve(50, successes=0).wait_s for _ in range(13)]
    assert waits[:10] == [0.0] * 10
    assert waits[11:] == pytest.approx([0.01, 0.02])


def test_turns_are_reserved_only_a_little_ahead() -> None:
    bucket = LocalTokenBucket(TokenBucketRules(limit=111))
    granted = 0
    while (reservation := bucket.reserve(0, successes=0)).granted:
        granted += 1
    assert granted == pytest.approx(1 + 10 + 25, abs=1)
    assert 0 < reservation.wait_s <= 0.01 + 1e-9
    assert bucket.reserve(reservation.wait_s + 1e-9, successes=0).granted


def test_a_429_halves_the_rate_once_for_all_that_come_with_it() -> None:
    rules = TokenBucketRules(limit=111)
    bucket = LocalTokenBucket(rules)
    assert [bucket.halve_rate(when) for when in (10, 10.1, 10.9)] == [pytest.approx(50)] * 3
    assert bucket.halve_rate(11.1) == pytest.approx(25)
    for second in range(12, 30):
        bucket.halve_rate(second + 0.5)
    assert bucket.rate == pytest.approx(rules.lowest)


def test_the_rate_stays_low_for_a_while_and_rises_with_successes_alone() -> None:
    bucket = LocalTokenBucket(TokenBucketRules(limit=111))
    bucket.halve_rate(100)
    bucket.reserve(104.9, successes=500)
    assert bucket.rate == pytest.approx(50)
    bucket.reserve(200, successes=0)
    assert bucket.rate == pytest.approx(50)
    bucket.reserve(201, successes=25)  # half a second's worth at this rate
    assert bucket.rate == pytest.approx(50 + 100 / 60 / 2)
    for second in range(40):
        bucket.reserve(202 + second, successes=100)
    assert bucket.rate == pytest.approx(100)


def test_many_successes_at_once_count_as_one_second_of_them() -> None:
    bucket = LocalTokenBucket(TokenBucketRules(limit=111))
    bucket.halve_rate(0)
    bucket.reserve(10, successes=100_000)
    assert bucket.rate == pytest.approx(50 + 100 / 60)


@pytest.mark.parametrize("processes", [1, 2, 7])
def test_the_parts_of_several_processes_make_up_the_whole(processes: int) -> None:
    rules = TokenBucketRules(limit=100)
    assert rules.share(processes).highest * processes == pytest.approx(rules.highest)

"""What every shared bucket must do, in memory or in Redis.

Redis' clock goes on meanwhile, so calls are far apart where their distance is looked at, and moments where a rule about
time is looked at lie as good as never or always within it.
"""

from abc import ABC, abstractmethod

import pytest
from redis.exceptions import RedisError

from infra.stripe.guard.token_bucket import SharedTokenBucket, TokenBucketRules

FAST = TokenBucketRules(limit=111, hold_after_halving_s=0, halvings_apart_s=0)
"""100 calls a second at most; nothing is held back after a cut."""
AN_HOUR_S = 3600.0
TEST_S = 5.0
"""What a test may take, from its first request to its last."""


def slow(*, burst_s: float = 0.1, longest_wait_s: float = 35) -> TokenBucketRules:
    """Return a rules of one call in ten seconds."""
    return TokenBucketRules(limit=1 + 0.1 * (1 + burst_s), burst_s=burst_s, longest_wait_s=longest_wait_s)


def is_about(wait_s: float, expected_s: float) -> bool:
    """Whether it is so long, less what the test has taken until now."""
    return expected_s - TEST_S < wait_s <= expected_s + 0.001


class SharedBucketContract(ABC):
    @abstractmethod
    def bucket(self, rules: TokenBucketRules) -> SharedTokenBucket:
        """Return a full one, at its highest rate."""

    @abstractmethod
    def bucket_away(self) -> SharedTokenBucket:
        """Return one that does not answer."""

    async def test_it_starts_full_and_at_its_highest_rate(self) -> None:
        reservation = await self.bucket(FAST).reserve(successes=0)
        assert (reservation.granted, reservation.wait_s) == (True, 0)
        assert reservation.rate == pytest.approx(100)

    async def test_turns_are_as_far_apart_as_the_rate_says(self) -> None:
        bucket = self.bucket(slow())
        reservations = [await bucket.reserve(successes=0) for _ in range(4)]
        assert all(reservation.granted for reservation in reservations)
        assert reservations[0].wait_s == 0
        assert is_about(reservations[1].wait_s, 9.9)
        assert is_about(reservations[2].wait_s, 19.9)
        assert is_about(reservations[3].wait_s, 29.9)

    async def test_calls_reserved_together_are_as_far_apart_as_those_reserved_alone(self) -> None:
        bucket = self.bucket(slow(burst_s=10))
        reservation = await bucket.reserve(successes=0, calls=3)
        waits = (reservation.wait_s, *reservation.later_s)
        assert waits[:2] == (0, 0)
        assert is_about(waits[2], 10)
        assert is_about((await bucket.reserve(successes=0)).wait_s, 20)

    async def test_no_more_are_reserved_together_than_in_the_longest_wait(self) -> None:
        bucket = self.bucket(slow(longest_wait_s=25))
        reservation = await bucket.reserve(successes=0, calls=10)
        assert (reservation.granted, len(reservation.later_s)) == (True, 2)
        assert not (await bucket.reserve(successes=0, calls=10)).granted

    async def test_a_refusal_says_when_to_ask_again_and_reserves_nothing(self) -> None:
        bucket = self.bucket(slow(longest_wait_s=25))
        while (reservation := await bucket.reserve(successes=0)).granted:
            assert reservation.wait_s <= 25
        assert is_about(reservation.wait_s, 4.9)
        for _ in range(3):
            refused = await bucket.reserve(successes=0)
            assert not refused.granted
            assert refused.wait_s <= reservation.wait_s

    async def test_idle_time_is_saved_up_for_one_burst(self) -> None:
        bucket = self.bucket(slow(burst_s=20))
        waits = [(await bucket.reserve(successes=0)).wait_s for _ in range(5)]
        assert waits[:3] == [0, 0, 0]
        assert is_about(waits[3], 10)
        assert is_about(waits[4], 20)

    async def test_a_cut_halves_the_rate_of_the_turns_after_it(self) -> None:
        bucket = self.bucket(TokenBucketRules(limit=1.11, longest_wait_s=100, halvings_apart_s=0))
        assert await bucket.halve_rate() == pytest.approx(0.05)
        reservations = [await bucket.reserve(successes=0) for _ in range(2)]
        assert [reservation.rate for reservation in reservations] == pytest.approx([0.05, 0.05])
        assert is_about(reservations[1].wait_s, 19.9)

    async def test_cuts_that_come_together_are_one(self) -> None:
        bucket = self.bucket(TokenBucketRules(limit=111, halvings_apart_s=AN_HOUR_S))
        assert [await bucket.halve_rate() for _ in range(3)] == pytest.approx([50, 50, 50])

    async def test_cuts_that_are_apart_go_down_to_the_lowest_rate(self) -> None:
        bucket = self.bucket(FAST)
        rates = [await bucket.halve_rate() for _ in range(7)]
        assert rates == pytest.approx([50, 25, 12.5, 6.25, 5, 5, 5])
        assert (await bucket.reserve(successes=0)).rate == pytest.approx(5)

    async def test_successes_raise_the_rate_by_what_they_are_of_a_second(self) -> None:
        bucket = self.bucket(FAST)
        await bucket.halve_rate()
        assert (await bucket.reserve(successes=0)).rate == pytest.approx(50)
        half_a_second = 50 + 100 / 60 / 2
        assert (await bucket.reserve(successes=25)).rate == pytest.approx(half_a_second, abs=0.002)
        many_seconds = half_a_second + 100 / 60
        assert (await bucket.reserve(successes=100_000)).rate == pytest.approx(many_seconds, abs=0.002)

    async def test_successes_raise_the_rate_no_higher_than_it_was(self) -> None:
        bucket = self.bucket(FAST)
        await bucket.halve_rate()
        for _ in range(40):
            reservation = await bucket.reserve(successes=1000)
        assert reservation.rate == pytest.approx(100)

    async def test_right_after_a_cut_no_success_counts(self) -> None:
        bucket = self.bucket(TokenBucketRules(limit=111, hold_after_halving_s=AN_HOUR_S))
        await bucket.halve_rate()
        assert (await bucket.reserve(successes=1000)).rate == pytest.approx(50)

    async def test_a_success_that_is_refused_a_turn_counts_all_the_same(self) -> None:
        bucket = self.bucket(TokenBucketRules(limit=1.11, longest_wait_s=0, hold_after_halving_s=0, halvings_apart_s=0))
        await bucket.halve_rate()
        await bucket.reserve(successes=0)
        refused = await bucket.reserve(successes=1000)
        assert not refused.granted
        assert refused.rate == pytest.approx(0.05 + 0.1 / 60, abs=0.001)
        assert refused.rate > 0.05

    async def test_a_bucket_that_is_away_raises(self) -> None:
        bucket = self.bucket_away()
        with pytest.raises((RedisError, OSError)):
            await bucket.reserve(successes=0)
        with pytest.raises((RedisError, OSError)):
            await bucket.halve_rate()

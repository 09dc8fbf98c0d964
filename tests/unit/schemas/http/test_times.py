"""Moments as they are written, and what a client means who gives one back."""

from datetime import UTC, datetime, timedelta

from schemas.http.times import end_of_moment, timestamp

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_a_time_as_it_was_shown_has_what_was_recorded_then() -> None:
    for microsecond in (0, 1, 999, 1000, 5_999, 999_999):
        recorded = NOON + timedelta(microseconds=microsecond)
        given_back = end_of_moment(datetime.fromisoformat(timestamp(recorded)))
        assert recorded <= given_back < recorded + timedelta(milliseconds=1)


def test_a_time_to_the_microsecond_is_that_one_alone() -> None:
    moment = NOON + timedelta(microseconds=1)
    assert end_of_moment(moment) == moment

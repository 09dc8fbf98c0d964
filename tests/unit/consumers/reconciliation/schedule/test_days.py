"""Which days are due."""

from datetime import UTC, date, datetime, timedelta

import pytest

from consumers.reconciliation.schedule.days import Schedule, days_due


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 10, 5, 59, tzinfo=UTC), date(2026, 3, 8)),
        (datetime(2026, 3, 10, 6, 0, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 3, 10, 23, 59, tzinfo=UTC), date(2026, 3, 9)),
    ],
)
def test_the_day_before_is_due_at_the_set_time(now: datetime, expected: date) -> None:
    last_due, fired = Schedule("0 6 * * *", "UTC").last_due(now)
    assert last_due == expected
    assert fired is not None
    assert fired <= now


def test_the_time_zone_says_what_time_it_is_and_which_day() -> None:
    # 01:00 in Auckland on the 11th is noon in UTC on the 10th.
    assert Schedule("0 1 * * *", "Pacific/Auckland").last_due(datetime(2026, 3, 10, 12, 30, tzinfo=UTC))[0] == date(
        2026, 3, 10
    )


def test_a_day_is_due_once_though_clocks_change() -> None:
    schedule, now = Schedule("30 2 * * *", "Europe/Berlin"), datetime(2026, 10, 24, 12, tzinfo=UTC)
    due = [schedule.last_due(now + timedelta(hours=hours))[0] for hours in range(72)]
    assert sorted({day for day in due if day}) == [
        date(2026, 10, 23),
        date(2026, 10, 24),
        date(2026, 10, 25),
        date(2026, 10, 26),
    ]


def test_a_due_time_skipped_by_a_change_of_clocks_is_never_in_the_future() -> None:
    schedule = Schedule("30 2 * * *", "Europe/Berlin")
    for minutes in range(0, 180, 7):
        now = datetime(2026, 3, 29, 0, 30, tzinfo=UTC) + timedelta(minutes=minutes)
        _, fired = schedule.last_due(now)
        assert fired is not None
        assert fired <= now


def test_what_is_no_crontab_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 5"):
        Schedule("daily", "UTC")


@pytest.mark.parametrize(
    ("weekdays", "days"),
    [
        ("1", {9}),  # 9 March 2026 is a Monday
        ("1-5", {9, 10, 11, 12, 13}),
        ("0", {15}),
        ("7", {15}),
        ("5-7", {13, 14, 15}),
        ("0-2", {9, 10, 15}),
        ("*/3", {11, 14, 15}),
        ("2,sun", {10, 15}),
        ("mon-wed", {9, 10, 11}),
        ("*", {9, 10, 11, 12, 13, 14, 15}),
    ],
)
def test_weekdays_are_those_of_crontab(weekdays: str, days: set[int]) -> None:
    schedule = Schedule(f"0 6 * * {weekdays}", "UTC")
    ran = set()
    for day in range(9, 16):
        _, fired = schedule.last_due(datetime(2026, 3, day, 23, tzinfo=UTC))
        if fired is not None and fired.date() == date(2026, 3, day):
            ran.add(day)
    assert ran == days


@pytest.mark.parametrize(
    "crontab", ["0 6 1 * 1", "0 6 * * 8", "0 6 * * 5-2", "0 6 * * 1/0", "0 6 * * mon-fri/2", "0 6 * * noday"]
)
def test_weekdays_that_are_none_are_refused(crontab: str) -> None:
    with pytest.raises(ValueError, match=r"day of the week|noday|Unrecognized|a step goes"):
        Schedule(crontab, "UTC")


LAST = date(2026, 3, 9)


def test_at_first_the_last_day_alone_is_due() -> None:
    assert days_due(last_due=LAST, since=None, known=(), at_most=31) == [LAST]


def test_missed_days_are_caught_up_and_so_are_gaps() -> None:
    known = {date(2026, 3, 4), date(2026, 3, 6)}
    assert days_due(last_due=LAST, since=date(2026, 3, 4), known=known, at_most=31) == [
        date(2026, 3, 5),
        date(2026, 3, 7),
        date(2026, 3, 8),
        LAST,
    ]


def test_no_more_than_so_many_days_back() -> None:
    assert days_due(last_due=LAST, since=date(2025, 1, 1), known=(), at_most=3) == [
        date(2026, 3, 7),
        date(2026, 3, 8),
        LAST,
    ]


def test_nothing_is_due_where_all_is_known_or_only_today_is() -> None:
    assert days_due(last_due=LAST, since=LAST, known={LAST}, at_most=31) == []
    assert days_due(last_due=LAST, since=LAST + timedelta(days=1), known={LAST + timedelta(days=1)}, at_most=31) == []

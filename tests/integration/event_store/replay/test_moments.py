"""From a moment to a position, also when the clock stepped back."""

import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from event_store.replay.moments import position_at
from tests.integration.event_store.replay.log_of_moments import write_moments
from tests.support.database import Database

pytestmark = pytest.mark.integration

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def at(database: Database, *seconds: float) -> list[int]:
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as auditor:
        return [await position_at(auditor, NOON + timedelta(seconds=each)) for each in seconds]


async def test_an_empty_log_has_none(database: Database) -> None:
    assert await at(database, 0) == [0]


async def test_what_was_recorded_at_the_moment_belongs_to_it(database: Database) -> None:
    await write_moments(database, {1: NOON, 5: NOON + timedelta(seconds=10), 900: NOON + timedelta(seconds=20)})
    assert await at(database, -1, 0, 9, 10, 19.9, 20, 3600) == [0, 1, 1, 5, 5, 900, 900]


async def test_a_time_as_it_is_shown_has_what_was_recorded_then(database: Database) -> None:
    """Times are shown in milliseconds, and recorded in microseconds."""
    await write_moments(database, {1: NOON + timedelta(microseconds=900), 2: NOON + timedelta(microseconds=1000)})
    assert await at(database, -0.001, 0, 0.000899, 0.0009, 0.001) == [0, 1, 0, 1, 2]


async def test_a_clock_that_stepped_back_makes_no_hole(database: Database) -> None:
    """12:05 stands before 12:01 in the log: as of 12:03 both are there."""
    minutes = {1: 0, 2: 5, 3: 1, 4: 6}
    await write_moments(database, {each: NOON + timedelta(minutes=minute) for each, minute in minutes.items()})
    assert await at(database, 0, 60, 180, 300, 360) == [1, 3, 3, 3, 4]


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_the_last_event_up_to_the_moment_whatever_the_gaps_and_steps(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    clock, position, moments = 0.0, 0, dict[int, datetime]()
    for _ in range(400):
        position += rng.choice((1, 1, 1, 7, 5000))
        clock += rng.choice((0.0, 1.0, 30.0, -rng.uniform(0, 120)))
        moments[position] = NOON + timedelta(seconds=clock)
    await write_moments(database, moments)
    seconds = [rng.uniform(-200, clock + 200) for _ in range(40)]
    expected = [
        max((each for each, moment in moments.items() if moment <= NOON + timedelta(seconds=second)), default=0)
        for second in seconds
    ]
    assert await at(database, *seconds) == expected

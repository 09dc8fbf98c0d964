"""The worker: which days it asks for, and what becomes of a run that fails."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from consumers.reconciliation.schedule.days import Schedule
from consumers.reconciliation.schedule.runs import add_requested, last_good_run_age_s
from consumers.reconciliation.schedule.worker import ReconciliationWorker, WorkerRules
from domain.reconciliation.events import ReconciliationRequested
from domain.reconciliation.run import run_id_of
from infra.redis.redlock import RedlockSettings, open_redlock
from schemas.events.reconciliation_events import RUN_EVENT_TYPES
from tests.integration.consumers.reconciliation.reconciliation_run import CUTOFF_S, DAY, Harness
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

NOBODY_LISTENS = "redis://127.0.0.1:9/0"


def at(day: date, hour: int = 7) -> float:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()


def worker(harness: Harness, **changes: Any) -> ReconciliationWorker:
    rules: dict[str, Any] = {
        "schedule": Schedule("0 6 * * *", "UTC"),
        "time_zone": "UTC",
        "catch_up_days": 31,
        "cutoff_s": CUTOFF_S,
        "retry_s": 0.01,
        "attempts": 3,
        "lock_ttl_ms": 1000,
        "interval_s": 0.05,
        **changes,
    }
    return ReconciliationWorker(
        harness.pool,
        harness.reconciler(),
        None,  # type: ignore[arg-type]  # of the lock, another test
        WorkerRules(**rules),
        wake=asyncio.Event(),
        clock=lambda: harness.now,
    )


async def take_in(harness: Harness) -> list[date]:
    """Note what was asked for, as the intake does once Kafka has it; return the days."""
    requested = RUN_EVENT_TYPES[0]
    rows = await harness.query(
        "SELECT data::text AS data FROM event_store.events WHERE type = 'reconciliation.requested' ORDER BY position"
    )
    events = [requested.read(row["data"].encode(), 1) for row in rows]
    async with harness.pool.connection() as conn:
        await add_requested(conn, [event for event in events if isinstance(event, ReconciliationRequested)])
    return [event.date for event in events if isinstance(event, ReconciliationRequested)]


async def completed(harness: Harness, day: date, *, at_: str) -> None:
    await harness.query(
        "INSERT INTO reconciliation.runs (run_id, number, date, time_zone, status, completed_at, updated_at) VALUES"
        f" ('{run_id_of(day, 'UTC')}', 1, '{day}', 'UTC', 'completed', '{at_}', '{at_}')"
    )


async def test_at_first_the_day_before_is_asked_for_once_however_many_ask(harness: Harness) -> None:
    harness.now = at(DAY + timedelta(days=1))
    workers = [worker(harness) for _ in range(4)]
    assert sum(await asyncio.gather(*(each.request_due_days() for each in workers))) == 1
    assert await take_in(harness) == [DAY]
    assert await workers[0].request_due_days() == 0


async def test_days_that_were_missed_are_caught_up(harness: Harness) -> None:
    await completed(harness, DAY, at_="2026-03-11 06:01+00")
    harness.now = at(DAY + timedelta(days=4))
    assert await worker(harness).request_due_days() == 3
    assert await take_in(harness) == [DAY + timedelta(days=number) for number in (1, 2, 3)]
    assert await worker(harness).request_due_days() == 0
    assert await worker(harness, catch_up_days=1).request_due_days() == 0


async def test_after_an_outage_longer_than_the_catch_up_each_day_in_reach_is_run(
    harness: Harness,
) -> None:
    await completed(harness, DAY, at_="2026-03-11 06:01+00")
    harness.now = at(DAY + timedelta(days=41))
    assert await worker(harness).request_due_days() == 31
    assert await take_in(harness) == [DAY + timedelta(days=number) for number in range(10, 41)]


async def test_a_schedule_before_the_cut_off_is_over_runs_the_day_just_twice(harness: Harness) -> None:
    early = {"schedule": Schedule("0 1 * * *", "UTC")}
    await completed(harness, DAY, at_="2026-03-11 01:02+00")
    harness.now = at(DAY + timedelta(days=1), hour=1) + 300
    assert await worker(harness, **early).request_due_days() == 0, "it ran at its time"
    harness.now = at(DAY + timedelta(days=2), hour=1) + 1
    assert await worker(harness, **early).request_due_days() == 2
    assert await take_in(harness) == [DAY, DAY + timedelta(days=1)]
    await harness.query(
        "UPDATE reconciliation.runs SET status = 'completed', completed_at = '2026-03-12 01:02+00',"
        " updated_at = '2026-03-12 01:02+00'"
    )
    assert await worker(harness, **early).request_due_days() == 0


async def test_only_the_newest_day_tells_how_long_ago_the_last_good_run_was(harness: Harness) -> None:
    await completed(harness, DAY, at_="2026-03-11 06:01+00")
    await completed(harness, DAY - timedelta(days=5), at_="2026-03-20 06:01+00")
    async with harness.pool.connection() as conn:
        age_s = await last_good_run_age_s(conn)
    assert age_s == pytest.approx(time.time() - datetime(2026, 3, 11, 6, 1, tzinfo=UTC).timestamp(), abs=60)


async def test_a_day_that_was_run_before_it_was_over_is_run_again(harness: Harness) -> None:
    await completed(harness, DAY, at_="2026-03-10 15:00+00")
    harness.now = at(DAY + timedelta(days=1), hour=5)
    assert await worker(harness).request_due_days() == 0, "it is not time"
    harness.now = at(DAY + timedelta(days=1))
    assert await worker(harness).request_due_days() == 1


async def test_a_failing_run_says_why_is_tried_again_and_finally_given_up(harness: Harness) -> None:
    await harness.query("DROP TABLE ledger.stripe_movements")
    run_id = await harness.request()
    working = worker(harness)
    for attempt in (1, 2, 3):
        await eventually(working.run_next)
        state = await harness.state(run_id)
        assert state is not None
        assert (state.attempt, state.status.value) == (attempt, "failed" if attempt == 3 else "retrying")
        assert state.failure is not None
        assert "stripe_movements" in state.failure
    assert not await working.run_next()
    # The schedule asks for the day again the next time.
    harness.now = at(DAY + timedelta(days=1))
    await harness.query("UPDATE reconciliation.runs SET updated_at = '2026-03-11 06:30+00'")
    assert await working.request_due_days() == 0
    harness.now = at(DAY + timedelta(days=2))
    assert await working.request_due_days() == 2


async def test_it_runs_while_redis_is_away(harness: Harness) -> None:
    await harness.ledger.write([])
    run_id = await harness.request()
    settings = RedlockSettings.model_validate({"redis_url": NOBODY_LISTENS})
    stop = asyncio.Event()
    async with open_redlock(settings) as redlock:
        rules = WorkerRules(
            schedule=Schedule("0 6 * * *", "UTC"),
            time_zone="UTC",
            catch_up_days=1,
            cutoff_s=CUTOFF_S,
            retry_s=1,
            attempts=1,
            lock_ttl_ms=1000,
            interval_s=0.02,
        )
        working = ReconciliationWorker(harness.pool, harness.reconciler(), redlock, rules, wake=asyncio.Event())
        running = asyncio.create_task(working.run(stop))
        await eventually(lambda: harness.state(run_id), lambda state: state is not None and state.completed is not None)
        await working.check_live()
        stop.set()
        await asyncio.wait_for(running, 5)

"""The runner on PostgreSQL: whatever is killed, delivered twice, in another order or not at all, the saga goes on."""

import asyncio
import random
import time
from typing import Any

import psycopg
import pytest

from consumers.saga.worker import SagaWorker
from domain.errors import DomainError
from domain.split_payment.commands import CancelSplitPayment
from domain.split_payment.values import SplitPaymentStatus
from infra.postgres.pool import Pool
from tests.integration.consumers.saga.saga_bench import Bench
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def bench(pool: Pool, database: Database) -> Bench:
    return Bench.of(pool, database)


async def test_legs_are_opened_captured_and_it_is_completed(bench: Bench) -> None:
    split_payment_id = await bench.request(3, now=time.time())
    for _ in range(3):  # open the legs, capture them, take notice
        await bench.deliver()
        await bench.run_due()
        await bench.answer_all(split_payment_id)
    await bench.deliver()
    await bench.run_due()
    state = await bench.state(split_payment_id)
    assert state.status is SplitPaymentStatus.COMPLETED
    assert await bench.row(split_payment_id) == ("completed", False, 0, None)
    actors = {(event.category, event.metadata.actor) for event in await bench.log() if event.type.endswith("requested")}
    assert actors == {("split-payment", "api:test"), ("payment", "sagas")}


async def test_events_that_come_again_or_in_any_order_change_nothing(bench: Bench) -> None:
    chance = random.Random(1)
    split_payment_id = await bench.request(3, now=time.time())
    for _ in range(4):
        events = await bench.log()
        chance.shuffle(events)
        await bench.deliver([*events, *events])
        await bench.run_due()
        await bench.answer_all(split_payment_id)
    await bench.deliver()
    await bench.run_due()
    before = await bench.log()
    await bench.deliver(list(reversed(before)))  # Kafka was wiped, and all comes once more
    await bench.run_due()
    assert await bench.log() == before
    assert (await bench.state(split_payment_id)).status is SplitPaymentStatus.COMPLETED


async def test_tables_that_were_lost_are_written_again_from_the_topics(bench: Bench) -> None:
    split_payment_id = await bench.request(now=time.time())
    await bench.deliver()
    await bench.run_due()
    await bench.answer_all(split_payment_id)
    async with bench.owner() as owner:
        await owner.execute("TRUNCATE consumers.sagas, consumers.saga_participants")
    await bench.deliver()
    await bench.run_due()
    assert (await bench.state(split_payment_id)).status is SplitPaymentStatus.CAPTURING


class _Killed(BaseException):
    """No handler of errors sees it, as none sees the end of its process."""


async def _killed_at(statement: int, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Step what is due in a process that ends at its n-th statement; return whether it came so far."""
    left, execute = statement, psycopg.AsyncCursor.execute

    async def dying(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise _Killed
        return await execute(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.AsyncCursor, "execute", dying)
        try:
            await bench.runner.run_due()
        except _Killed:
            return True
    return False


async def test_a_process_killed_at_any_statement_leaves_nothing_half_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    split_payment_id = await bench.request(now=time.time())
    for _ in range(4):
        await bench.deliver()
        before, statement = await bench.log(), 1
        while await _killed_at(statement, bench, monkeypatch):
            assert await bench.log() == before
            statement += 1
        assert statement > 4
        await bench.run_due()
        await bench.answer_all(split_payment_id)
    assert (await bench.state(split_payment_id)).status is SplitPaymentStatus.COMPLETED


async def test_two_runners_at_once_make_each_step_once(bench: Bench) -> None:
    split_payment_ids = [await bench.request(now=time.time()) for _ in range(6)]
    for _ in range(3):
        await bench.deliver()
        await asyncio.gather(*(bench.run_due() for _ in range(3)))
        for split_payment_id in split_payment_ids:
            await bench.answer_all(split_payment_id)
    await bench.deliver()
    await asyncio.gather(*(bench.run_due() for _ in range(3)))
    for split_payment_id in split_payment_ids:
        assert (await bench.state(split_payment_id)).status is SplitPaymentStatus.COMPLETED
    types = [event.type for event in await bench.log()]
    assert types.count("split_payment.completed") == 6
    assert types.count("payment.capture_requested") == 12


async def test_no_event_is_missed_while_steps_are_made(bench: Bench) -> None:
    """Every event is delivered once, and some in the middle of a step: one that was missed would not come again."""
    split_payment_ids = [await bench.request(now=time.time()) for _ in range(8)]
    stop, wake = asyncio.Event(), asyncio.Event()
    workers = [asyncio.create_task(SagaWorker(bench.pool, bench.sagas, wake=wake).run(stop)) for _ in range(2)]
    position = 0

    async def all_completed() -> bool:
        nonlocal position
        for split_payment_id in split_payment_ids:
            await bench.answer_all(split_payment_id)
        new = [event for event in await bench.log() if event.position > position]
        for event in new:
            await bench.deliver([event])
            wake.set()
            position = event.position
        states = [await bench.state(each) for each in split_payment_ids]
        return all(state.status is SplitPaymentStatus.COMPLETED for state in states)

    await eventually(all_completed, until=bool, within=40, every=0.01)
    stop.set()
    await asyncio.gather(*workers)


async def test_a_command_at_the_same_instant_wins_or_loses_as_a_whole(bench: Bench) -> None:
    for _ in range(5):
        split_payment_id = await bench.request(now=time.time())
        await bench.deliver()
        await bench.run_due()
        await bench.answer_all(split_payment_id)
        await bench.deliver()
        results = await asyncio.gather(
            bench.run_due(), bench.command(split_payment_id, CancelSplitPayment()), return_exceptions=True
        )
        assert results[0] is None
        for _ in range(4):
            await bench.deliver()
            await bench.run_due()
            await bench.answer_all(split_payment_id)
        state = await bench.state(split_payment_id)
        legs = [await bench.leg(payment_id) for payment_id in state.legs]
        captured = {leg.amount_captured.amount_cents for leg in legs if leg is not None}
        is_canceled = not isinstance(results[1], DomainError)
        expected = SplitPaymentStatus.COMPENSATED if is_canceled else SplitPaymentStatus.COMPLETED
        assert (state.status, captured) == (expected, {0} if is_canceled else {1000})


async def test_a_timer_of_another_process_fires_on_time_and_not_before(bench: Bench) -> None:
    split_payment_id = await bench.request(now=time.time() - 598, expires_in_seconds=600)  # two seconds are left
    await bench.deliver()
    await bench.run_due()  # by a process that ends now
    stop = asyncio.Event()
    worker = asyncio.create_task(SagaWorker(bench.pool, bench.sagas, wake=asyncio.Event()).run(stop))
    state = await eventually(
        lambda: bench.state(split_payment_id),
        until=lambda found: found.status is not SplitPaymentStatus.AUTHORIZING,
        within=10,
        every=0.02,
    )
    expired = next(
        event for event in await bench.log() if event.type == "split_payment.compensation_started"
    ).recorded_at.timestamp()
    assert 0 <= expired - state.expires_at < 1
    stop.set()
    await worker


async def test_a_hold_that_ends_too_soon_is_seen_in_time(bench: Bench) -> None:
    now = time.time()
    split_payment_id = await bench.request(now=now, expires_in_seconds=24 * 3600)
    await bench.deliver()
    await bench.run_due()
    (first, _) = (await bench.state(split_payment_id)).legs
    await bench.authorize(first, capture_before=int(now) + 3000)  # within the hour that is the margin
    await bench.deliver()
    await bench.run_due()
    state = await bench.state(split_payment_id)
    assert state.compensation_reason == "hold_expiring"
    leg = await bench.leg(first)
    assert leg is not None
    assert leg.cancel_requested is not None


async def test_a_saga_that_cannot_be_stepped_holds_up_no_other(bench: Bench) -> None:
    broken, whole = await bench.request(now=time.time()), await bench.request(now=time.time())
    await bench.deliver()
    await bench.execute(
        "INSERT INTO consumers.sagas (saga_id, kind, merchant_id, correlation_id)"
        " VALUES (gen_random_uuid(), 'split-payment', 'm', 'c')"  # the log has no such saga
    )
    await bench.run_due()
    for split_payment_id in (broken, whole):
        assert all([await bench.leg(payment_id) for payment_id in (await bench.state(split_payment_id)).legs])
    async with bench.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT last_error, due_at > clock_timestamp() FROM consumers.sagas WHERE failures = 1"
        )
        ((error, is_later),) = await cursor.fetchall()
    assert error.startswith("LookupError")
    assert is_later

"""What operators see of sagas, and do about them."""

import time
from uuid import uuid4

import pytest

from consumers.saga.admin import SagaAdmin, SagaRefused
from domain.ids import SplitPaymentId
from domain.payment.observations import RecordCanceled, RecordCancelFailed
from domain.split_payment.commands import CancelSplitPayment
from domain.split_payment.policy import POLICY
from domain.split_payment.values import SplitPaymentStatus
from infra.postgres.pool import Pool
from tests.integration.consumers.saga.saga_bench import Bench
from tests.support.database import Database
from tests.support.events_of_a_newer_release import append_unknown_event

pytestmark = pytest.mark.integration


@pytest.fixture
def bench(pool: Pool, database: Database) -> Bench:
    return Bench.of(pool, database)


async def a_canceled(bench: Bench) -> SplitPaymentId:
    split_payment_id = await bench.request(now=time.time())
    await bench.deliver()
    await bench.run_due()
    await bench.command(split_payment_id, CancelSplitPayment())
    await bench.deliver()
    await bench.run_due()
    return split_payment_id


async def test_a_stuck_saga_is_listed_and_shown_and_tried_again_at_once(bench: Bench) -> None:
    split_payment_id = await a_canceled(bench)
    (first, second) = (await bench.state(split_payment_id)).legs
    await bench.observe(second, RecordCanceled(intent_id=None))
    while (await bench.row(split_payment_id))[0] != "compensation_stuck":
        leg = await bench.leg(first)
        assert leg is not None
        assert leg.cancel_requested is not None
        request_id = leg.cancel_requested.request_id
        await bench.observe(first, RecordCancelFailed(request_id=request_id, code="lock_timeout", message="Busy."))
        await bench.deliver()
        await bench.run_due()
        state = await bench.state(split_payment_id)
        if state.status is SplitPaymentStatus.COMPENSATING:
            await bench.later(POLICY.pause_s(state.legs[first].failures) + 1)
    admin = SagaAdmin(bench.sagas)
    async with bench.pool.connection() as conn:
        (listed,) = await admin.list_sagas(conn, statuses=["compensation_stuck"])
        assert (listed.saga_id, listed.kind) == (split_payment_id, "split-payment")
        shown = await admin.show(conn, split_payment_id)
        assert shown.events[-1].type == "split_payment.compensation_stuck"
        assert [each.partition(" at ")[0] for each in shown.waits_for] == [f"leg {first}: retry"]
        said = await admin.retry(conn, split_payment_id, actor="ops", reason="the bank is back", now=time.time())
    assert said == "What was not taken back is tried again at once."
    await bench.run_due()
    leg = await bench.leg(first)
    assert leg is not None
    assert leg.cancel_requested is not None
    await bench.answer_all(split_payment_id)
    await bench.deliver()
    await bench.run_due()
    assert (await bench.row(split_payment_id))[0] == "compensated"
    retried = next(event for event in await bench.log() if event.type == "split_payment.compensation_retried")
    assert retried.metadata.actor == "operator:ops"
    assert b"the bank is back" in retried.data


async def test_one_that_may_still_end_by_itself_is_given_up_by_force_alone(bench: Bench) -> None:
    split_payment_id = await a_canceled(bench)
    admin = SagaAdmin(bench.sagas)
    async with bench.pool.connection() as conn:
        with pytest.raises(SagaRefused, match="may still come to an end by itself"):
            await admin.give_up(conn, split_payment_id, actor="ops", reason="a reason")
        await admin.give_up(conn, split_payment_id, actor="ops", reason="paid back by hand", force=True)
    await bench.run_due()
    assert (await bench.row(split_payment_id))[:2] == ("given_up", False)
    given_up = next(event for event in await bench.log() if event.type == "split_payment.given_up")
    assert b"paid back by hand" in given_up.data
    async with bench.pool.connection() as conn:
        with pytest.raises(SagaRefused, match="does not allow it"):
            await admin.retry(conn, split_payment_id, actor="ops", reason="a reason", now=time.time())


async def test_what_is_not_there_is_refused(bench: Bench) -> None:
    admin = SagaAdmin(bench.sagas)
    async with bench.pool.connection() as conn:
        with pytest.raises(SagaRefused, match="There is no saga"):
            await admin.show(conn, uuid4())
        with pytest.raises(SagaRefused, match="There is no status lost"):
            await admin.list_sagas(conn, statuses=["lost"])
        assert await admin.list_sagas(conn, statuses=["completed"]) == []


async def test_a_saga_that_cannot_be_read_is_shown_as_far_as_it_can(bench: Bench) -> None:
    split_payment_id = await bench.request(now=time.time())
    await bench.deliver()
    admin = SagaAdmin(bench.sagas)
    async with bench.pool.connection() as conn:
        event_id = await append_unknown_event(conn, split_payment_id)
        shown = await admin.show(conn, split_payment_id)
        assert shown.events[-1].type == "split_payment.from_the_future"
        assert len(shown.waits_for) == 1
        assert f"event {event_id}" in shown.waits_for[0]
        with pytest.raises(SagaRefused, match=f"event {event_id} .* cannot be read"):
            await admin.give_up(conn, split_payment_id, actor="ops", reason="x", force=True)

"""Read your writes by any position of the log: also one that is no payment's event, and never will be."""

import asyncio
from typing import Any
from unittest import mock

import httpx
import psycopg
import pytest

from event_store.store import Connection as AppConnection
from event_store.store import append
from infra.postgres.pool import Pool, create_pool
from projections.payment_timeline import read as timeline
from projections.payments import read as payments
from projections.watermark import advance
from projections.watermark.advance import Watermark
from projections.watermark.moving import WatermarkMover
from tests.integration.query_api.conftest import Project, Record
from tests.support.balance_events import a_row
from tests.support.database import Database
from tests.support.log_entries import an_append
from tests.support.payment_histories import paid, request_payment
from tests.support.read_model import load_log, project_log, store_balance
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

WATERMARK = "SELECT position FROM read_model.payments_watermark"


async def as_owner(database: Database, *statements: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        for statement in statements:
            await owner.execute(statement)


async def another_category(app: AppConnection) -> int:
    """Append an event that the read model of payments never sees; returns its position."""
    await store_balance(app, a_row(f"txn_{(await load_log(app))[-1].position}", reporting_category="topup"))
    return (await load_log(app))[-1].position


async def rolled_back(app: AppConnection) -> None:
    await append(app, [an_append()])
    await app.rollback()


async def query(client: httpx.AsyncClient, position: int, path: str = "/payments") -> httpx.Response:
    return await client.get(path, params={"min_position": position})


async def answered(client: httpx.AsyncClient, position: int, path: str = "/payments") -> httpx.Response:
    return await eventually(lambda: query(client, position, path), lambda answer: answer.status_code == 200)


async def refused(client: httpx.AsyncClient, position: int) -> dict[str, int]:
    response = await query(client, position)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    problem: dict[str, int] = response.json()
    assert problem["positions_behind"] == position - problem["projection_position"] > 0
    return problem


async def watermark(pool: Pool) -> int:
    async with pool.connection() as conn:
        row = await (await conn.execute(WATERMARK)).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.usefixtures("mover")
async def test_a_position_of_another_category_is_answered_everywhere(
    client: httpx.AsyncClient, record: Record, project: Project, app: AppConnection
) -> None:
    payment_id = await record(paid(request_payment()))
    await project()
    position = await another_category(app)
    for path in ("/payments", f"/payments/{payment_id}", f"/payments/{payment_id}/events"):
        assert (await answered(client, position, path)).status_code == 200


@pytest.mark.usefixtures("mover")
async def test_gaps_of_rolled_back_transactions_are_answered_also_at_the_end(
    client: httpx.AsyncClient, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    await rolled_back(app)
    await record(paid(request_payment()))
    position = await project()
    await rolled_back(app)
    assert [event.position for event in await load_log(app)] == [1, 2, 3, 5, 6, 7]
    for each in (4, position + 1):
        await answered(client, each)


@pytest.mark.usefixtures("mover")
async def test_an_open_transaction_holds_back_its_positions_and_those_above(
    client: httpx.AsyncClient, database: Database, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    await project()
    before = await another_category(app)
    async with await psycopg.AsyncConnection.connect(database.url("app")) as slow:
        await append(slow, [an_append()])
        after = await another_category(app)
        await answered(client, before)
        assert (await refused(client, after))["projection_position"] == before
        await slow.rollback()
        await answered(client, after)


@pytest.mark.usefixtures("mover")
async def test_the_leap_after_a_recovery_is_answered_in_the_new_epoch(
    client: httpx.AsyncClient, database: Database, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    position = await project()
    await answered(client, position)
    await as_owner(
        database,
        "UPDATE event_store.incarnation SET closed_because = 'test'",
        f"SELECT event_store.reopen_log(1, {position}, '{{}}')",
    )
    for each in (position + 1, position + 50_000, position + 100_000):
        await answered(client, each)
    await refused(client, position + 100_001)
    await record(paid(request_payment()))
    newest = await project()
    assert newest > position + 100_000
    await answered(client, newest)
    await answered(client, await another_category(app))


async def test_what_was_proved_in_an_earlier_epoch_is_void_at_once(
    *,
    database: Database,
    record: Record,
    project: Project,
    read_pool: Pool,
    client: httpx.AsyncClient,
    app: AppConnection,
) -> None:
    await record(paid(request_payment()))
    await project()
    position = await another_category(app)
    async with WatermarkMover(database.url("projector"), partitions=1).running():
        await answered(client, position)
    await as_owner(database, "UPDATE event_store.incarnation SET epoch = epoch + 1")
    assert await watermark(read_pool) == 0
    await refused(client, position)
    async with WatermarkMover(database.url("projector"), partitions=1).running():
        await answered(client, position)


async def test_nothing_is_proved_while_the_log_is_closed(
    *,
    database: Database,
    record: Record,
    project: Project,
    read_pool: Pool,
    client: httpx.AsyncClient,
    app: AppConnection,
) -> None:
    await record(paid(request_payment()))
    await project()
    position = await another_category(app)
    await as_owner(database, "UPDATE event_store.incarnation SET closed_because = 'test'")
    async with WatermarkMover(database.url("projector"), partitions=1).running():
        await refused(client, position)
        assert await watermark(read_pool) == 0
        await as_owner(database, "UPDATE event_store.incarnation SET closed_because = NULL, epoch = epoch + 1")
        await answered(client, position)


@pytest.mark.usefixtures("mover")
async def test_an_event_that_is_not_applied_holds_back_what_comes_after_it(
    client: httpx.AsyncClient, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    applied = await project()
    await another_category(app)
    payment_id = await record(paid(request_payment()))
    position = await another_category(app)

    problem = await refused(client, position)
    assert problem["projection_position"] == applied + 1, "the other category's event is no reason to wait"

    await project()
    page = (await answered(client, position)).json()["data"]
    assert str(payment_id) in {each["id"] for each in page}


async def test_without_who_moves_the_watermark_the_lag_is_told_and_true(
    client: httpx.AsyncClient, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    applied = await project()
    position = await another_category(app)
    problem = await refused(client, position)
    assert (problem["projection_position"], problem["positions_behind"]) == (applied, 1)


@pytest.mark.usefixtures("mover")
async def test_a_position_beyond_the_end_of_the_log_is_behind(
    client: httpx.AsyncClient, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    await project()
    position = await another_category(app)
    await answered(client, position)
    for beyond in (1, 1000, 2**62):
        assert (await refused(client, position + beyond))["positions_behind"] == beyond


ROLL_BACK = """
INSERT INTO consumers.dead_letters (consumer, topic, partition, kafka_offset, kafka_timestamp, position,
                                    previous_position, headers, digest, lacking, reason, error_type, error)
VALUES ('projector', 'paystream.payment', 0, 0, now(), {position},
        0, '[]', '', '{{projection:payments}}', 'refused', 'E', 'e')
"""


@pytest.mark.usefixtures("mover")
async def test_a_dead_letter_stops_only_who_asks_for_it(
    client: httpx.AsyncClient, database: Database, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    dead = (await load_log(app))[-1].position
    await project_log_up_to(database, app, dead - 1)
    await as_owner(database, ROLL_BACK.format(position=dead))
    position = await another_category(app)
    await answered(client, position)
    assert (await refused(client, dead))["positions_behind"] == 1

    await as_owner(
        database, f"UPDATE consumers.dead_letters SET status = 'discarded', resolved_at = now() WHERE position = {dead}"
    )
    await refused(client, dead)

    await project()
    await answered(client, dead)


async def project_log_up_to(database: Database, app: AppConnection, position: int) -> None:
    async with create_pool(database.url("projector"), size=2, name="projector-test") as pool:
        await project_log(pool, [each for each in await load_log(app) if each.position <= position])


@pytest.mark.usefixtures("mover")
async def test_what_kafka_refused_stops_only_who_asks_for_it(
    client: httpx.AsyncClient, database: Database, record: Record, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    log = await load_log(app)
    last = log[-1]
    await project_log_up_to(database, app, last.position - 1)
    await as_owner(
        database,
        "INSERT INTO event_store.refused_events (position, event_id, stream_id, type, reason)"
        f" VALUES ({last.position}, '{last.event_id}', '{last.stream_id}', '{last.type}', 'too large')",
    )
    await answered(client, await another_category(app))
    await refused(client, last.position)


EMPTY = "TRUNCATE read_model.payments, read_model.payment_timeline"
DELETE = "DELETE FROM read_model.payments; DELETE FROM read_model.payment_timeline"
FORGET = "UPDATE consumers.consumer_checkpoints SET position = 0 WHERE consumer ~ '^projection:payment(s|_timeline)$'"


@pytest.mark.usefixtures("mover")
async def test_an_emptied_read_model_reflects_nothing_until_it_is_built_again(
    *,
    client: httpx.AsyncClient,
    database: Database,
    record: Record,
    project: Project,
    app: AppConnection,
    read_pool: Pool,
) -> None:
    payment_id = await record(paid(request_payment()))
    await project()
    position = await another_category(app)
    await answered(client, position)
    for how in (EMPTY, DELETE):
        await as_owner(database, how, FORGET)
        for each in range(1, position + 1):
            await refused(client, each)
        assert await watermark(read_pool) == 0
        await project()
        found = (await answered(client, position)).json()["data"]
        assert [each["id"] for each in found] == [str(payment_id)]
        await answered(client, position, f"/payments/{payment_id}")


@pytest.mark.usefixtures("mover")
async def test_emptied_tables_alone_prove_nothing_by_their_checkpoints(
    *,
    client: httpx.AsyncClient,
    database: Database,
    record: Record,
    project: Project,
    app: AppConnection,
    read_pool: Pool,
) -> None:
    await record(paid(request_payment()))
    await project()
    position = await another_category(app)
    await answered(client, position)
    await as_owner(database, EMPTY)
    await refused(client, position)
    assert await watermark(read_pool) == 0


async def test_a_payment_that_is_rebuilt_beside_its_timeline_is_not_missed(
    client: httpx.AsyncClient, database: Database, record: Record, project: Project
) -> None:
    payment_id = await record(paid(request_payment()))
    position = await project()
    await as_owner(database, "TRUNCATE read_model.payments")
    response = await query(client, position, f"/payments/{payment_id}")
    assert response.status_code == 503, "it is not unknown: 404 would be wrong"


async def test_a_read_that_began_before_the_read_model_was_emptied_begins_anew(
    client: httpx.AsyncClient, database: Database, record: Record, project: Project
) -> None:
    """Asked, emptied, read: the page would lack what the position promised."""
    await record(paid(request_payment()))
    position = await project()
    real, emptied = payments.page, False

    async def emptied_before(*arguments: Any, **named: Any) -> Any:
        nonlocal emptied
        if not emptied:
            emptied = True
            await as_owner(database, EMPTY)
        return await real(*arguments, **named)

    with mock.patch.object(payments, "page", emptied_before):
        assert (await query(client, position)).status_code == 503
    assert emptied


async def test_the_first_proof_begins_at_the_lowest_checkpoint_not_at_zero(
    database: Database, record: Record, app: AppConnection, projector_pool: Pool
) -> None:
    for _ in range(20):
        await record(paid(request_payment()))
    log = await load_log(app)
    await project_log(projector_pool, log, partitions=3)
    async with projector_pool.connection() as conn:
        query = "SELECT min(position) FROM consumers.consumer_checkpoints WHERE consumer = 'projection:payments'"
        row = await (await conn.execute(query)).fetchone()
    assert row is not None
    for partitions, begin in ((3, row[0]), (2, 0), (4, 0)):
        walked = mock.AsyncMock(return_value=(0, False))
        async with await psycopg.AsyncConnection.connect(database.url("projector"), autocommit=True) as conn:
            with mock.patch.object(Watermark, "_walk", walked):
                await Watermark(partitions=partitions).advance(conn)
        assert walked.await_args is not None
        assert walked.await_args.args[1] == begin


async def test_a_long_way_is_gone_in_short_statements(
    database: Database, record: Record, app: AppConnection, projector_pool: Pool, read_pool: Pool
) -> None:
    for _ in range(10):
        await record(paid(request_payment()))
        await rolled_back(app)
    log = await load_log(app)
    await project_log(projector_pool, log)
    await as_owner(database, "DELETE FROM consumers.consumer_checkpoints")
    async with await psycopg.AsyncConnection.connect(database.url("projector"), autocommit=True) as conn:
        await Watermark(partitions=1, chunk=4).advance(conn)
    assert await watermark(read_pool) == log[-1].position + 1


async def test_nobody_looks_when_nobody_waits_and_nothing_is_applied(
    client: httpx.AsyncClient, database: Database, record: Record, project: Project, app: AppConnection
) -> None:
    await record(paid(request_payment()))
    applied = await project()
    with mock.patch.object(advance.Watermark, "advance", autospec=True, side_effect=advance.Watermark.advance) as looks:
        async with WatermarkMover(database.url("projector"), partitions=1).running():
            position = await another_category(app)
            await answered(client, position)
            await eventually(lambda: _is_quiet(looks))
            count = looks.call_count
            for each in (*range(1, applied + 1), position) * 10:
                assert (await query(client, each)).status_code == 200
            assert looks.call_count == count


async def _is_quiet(looks: mock.MagicMock) -> bool:
    count = looks.call_count
    await asyncio.sleep(0.3)  # several times what lies between two looks
    return bool(looks.call_count == count)


@pytest.mark.usefixtures("mover")
async def test_the_watermark_moves_again_after_the_database_ended_its_connection(
    *,
    client: httpx.AsyncClient,
    database: Database,
    record: Record,
    project: Project,
    app: AppConnection,
) -> None:
    await record(paid(request_payment()))
    await project()
    await answered(client, await another_category(app))
    await as_owner(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'projector-watermark'"
        " AND datname = current_database()",
    )
    await answered(client, await another_category(app))


async def test_what_was_applied_moves_the_watermark_unasked(
    record: Record, project: Project, mover: WatermarkMover, read_pool: Pool
) -> None:
    await record(paid(request_payment()))
    position = await project()
    mover.applied()
    await eventually(lambda: watermark(read_pool), lambda found: found == position)


async def test_no_plan_hashes_the_whole_read_model(
    record: Record, project: Project, projector_pool: Pool, database: Database
) -> None:
    for _ in range(5):
        await record(paid(request_payment()))
    await project()
    await as_owner(database, "ANALYZE")
    query = {"positions": [1, 2, 3]}
    async with projector_pool.connection() as conn:
        for statement, parameters in (
            (advance.SQL.following, {"after": 0, "limit": 5000}),
            (timeline._SQL.applied, query),
        ):
            plan = await (await conn.execute("EXPLAIN " + statement, parameters)).fetchall()
            assert "hashed" not in str(plan).lower()

"""What the relay says of itself while Kafka is away, and that it stops all the same."""

import asyncio
import os
import signal
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import structlog
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaConnectionError, ProducerFenced

from event_store.appends import Append
from event_store.relay import metrics
from event_store.relay.partition_claim import PartitionClaim
from event_store.relay.queue import show_queue
from event_store.relay.relay import Relay
from event_store.relay.session import Session
from event_store.relay.shard import Shard
from event_store.store import LOG_CLOSED, QUERIES, Connection, append, read_log_state
from event_store.tail import Tail
from infra.embedded.postgres import PostgresServer
from infra.errors import ProcessFailed
from infra.process.health import Unhealthy
from schemas.envelope import RecordedEvent
from tests.support.brokers import LentBroker
from tests.support.database import Database, fresh_database
from tests.support.log_entries import an_append
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
ALL = Shard(index=0, count=1)


async def append_some(app: Connection, count: int) -> None:
    items: list[Append] = [an_append(uuid.uuid4()) for _ in range(count)]
    await append(app, items)
    await app.commit()


async def is_ready(relay: Relay) -> bool:
    try:
        await relay.status.check_ready()
    except Unhealthy:
        return False
    return True


async def test_the_queue_is_shown_while_kafka_is_away_and_after_a_restart(database: Database, app: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as connection:
        await append_some(app, 7)
        await show_queue(connection, ALL, 4)
        assert metrics.QUEUE_DEPTH._value.get() == 3
        assert metrics.OLDEST_AGE._value.get() > 0
        await append_some(app, 5)
        await PartitionClaim(connection, ALL, 4).heartbeat(4)
        await show_queue(connection, ALL, None)  # a relay that has just started: Kafka has told it nothing yet
        assert metrics.QUEUE_DEPTH._value.get() == 8
        await show_queue(connection, ALL, 12)
        assert metrics.QUEUE_DEPTH._value.get() == 0
        assert metrics.OLDEST_AGE._value.get() == 0


async def test_positions_that_a_recovery_left_out_do_not_wait(database: Database, app: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        await append_some(app, 4)
        await connection.execute("SELECT event_store.leap(0)")
        await append_some(app, 3)
        await show_queue(connection, ALL, 4)
        assert metrics.QUEUE_DEPTH._value.get() == 3


async def test_the_queue_costs_the_same_however_long_it_is(database: Database, app: Connection) -> None:
    await append_some(app, 2000)
    async with await psycopg.AsyncConnection.connect(database.url("app")) as connection:
        cursor = await connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {QUERIES['queue']}", {"cursor": 10})
        row = await cursor.fetchone()
        assert row is not None
    scans = [node for node in _nodes(row[0][0]["Plan"]) if "Scan" in node["Node Type"]]
    read = [node["Actual Rows"] * node["Actual Loops"] for node in scans]
    assert read
    assert sum(read) <= 4


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


async def test_without_kafka_it_is_not_ready_but_live_and_it_comes_back(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    stop = asyncio.Event()
    relay = Relay(lent_broker.settings(kafka_request_timeout_ms=1000), database.url("relay"), ALL, stop)
    running = asyncio.create_task(relay.run())
    await eventually(lambda: is_ready(relay))
    lent_broker.kill()
    await append_some(app, 3)
    await eventually(lambda: is_ready(relay), lambda ready: not ready)
    await relay.status.check_live()
    await lent_broker.restart()
    await eventually(lambda: is_ready(relay), within=90)
    stop.set()
    await asyncio.wait_for(running, 15)


async def test_with_a_frozen_broker_it_says_so_and_stops_in_time(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    stop = asyncio.Event()
    relay = Relay(lent_broker.settings(kafka_request_timeout_ms=20_000), database.url("relay"), ALL, stop)
    running = asyncio.create_task(relay.run())
    await eventually(lambda: is_ready(relay))
    os.kill(lent_broker.pid, signal.SIGSTOP)
    try:
        await append_some(app, 3)
        await eventually(lambda: is_ready(relay), lambda ready: not ready, within=30)
        stop.set()
        await asyncio.wait_for(running, 15)
    finally:
        os.kill(lent_broker.pid, signal.SIGCONT)


async def test_a_fenced_relay_ends_and_says_why(
    database: Database, lent_broker: LentBroker, app: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fenced(*_: object, **__: object) -> None:
        raise ProducerFenced

    monkeypatch.setattr(Session, "publish", fenced)
    await append_some(app, 1)
    relay = Relay(lent_broker.settings(), database.url("relay"), ALL, asyncio.Event())
    with pytest.raises(ProcessFailed, match="Kafka has fenced the relay of shard 0/1"):
        await asyncio.wait_for(relay.run(), 60)


async def test_one_failed_delivery_fails_the_batch_and_progress_stays(
    database: Database, app: Connection, lent_broker: LentBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka's commit succeeds although a delivery failed: every delivery has to be looked at."""
    await append_some(app, 6)
    settings = lent_broker.settings()
    relay = Relay(settings, database.url("relay"), ALL, asyncio.Event())
    await asyncio.wait_for(_until_published(relay, 6), 60)
    await append_some(app, 6)
    async with Session.open(settings, ALL, await read_log_state(app)) as session:
        events = await _events_after(database, 6)
        send, sent = session._producer.send_batch, 0

        async def failing(*arguments: object, **options: object) -> object:
            nonlocal sent
            sent += 1
            if sent == 1:
                lost: asyncio.Future[object] = asyncio.get_running_loop().create_future()
                lost.set_exception(TimeoutError("lost"))
                return lost
            return await send(*arguments, **options)

        monkeypatch.setattr(session._producer, "send_batch", failing)
        with pytest.raises(TimeoutError, match="lost"):
            await session.publish(events, 12)
        assert session.position == 6


async def test_a_log_that_kafka_contradicts_is_closed_until_somebody_decides(
    session_postgres: PostgresServer, lent_broker: LentBroker
) -> None:
    """The same positions stand for other events: the database was appended to since it went back."""
    settings = lent_broker.settings()
    async with fresh_database(session_postgres) as before:
        async with await psycopg.AsyncConnection.connect(before.url("app")) as connection:
            await append_some(connection, 9)
        await _until_published(Relay(settings, before.url("relay"), ALL, asyncio.Event()), 9)
    async with fresh_database(session_postgres) as restored:
        async with await psycopg.AsyncConnection.connect(restored.url("app")) as connection:
            await append_some(connection, 3)
        stop = asyncio.Event()
        relay = Relay(settings, restored.url("relay"), ALL, stop)
        running = asyncio.create_task(relay.run())
        with structlog.testing.capture_logs() as logs:
            await eventually(lambda: _said(logs, "have their place taken in the log"))
        assert not await is_ready(relay)
        async with await psycopg.AsyncConnection.connect(restored.url("app")) as connection:
            with pytest.raises(psycopg.OperationalError, match="the log is closed: it lacks") as refused:
                await append_some(connection, 1)
            assert refused.value.sqlstate == LOG_CLOSED
        stop.set()
        await asyncio.wait_for(running, 15)


async def test_a_client_that_fails_to_stop_does_not_end_the_relay(
    database: Database, app: Connection, lent_broker: LentBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka cancels its fetches and awaits them: one in its retry pause makes stop() raise CancelledError."""
    close, looks = Fetcher.close, iter([KafkaConnectionError("away")])

    async def closing(self: Fetcher) -> None:
        pausing = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        self._pending_tasks.add(pausing)
        await close(self)

    async def failing_once(_: Session) -> None:
        error = next(looks, None)
        if error is not None:
            raise error

    monkeypatch.setattr(Fetcher, "close", closing)
    monkeypatch.setattr(Session, "check_topics", failing_once)
    relay = Relay(lent_broker.settings(), database.url("relay"), ALL, asyncio.Event())
    running = asyncio.create_task(relay.run())
    await eventually(lambda: is_ready(relay))
    await append_some(app, 4)

    async def published() -> int:
        return relay.position or 0

    await eventually(published, lambda position: position >= 4)
    assert not running.done()
    relay._stop.set()
    await asyncio.wait_for(running, 15)


async def test_a_transaction_that_stops_the_relay_is_named(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    relay = Relay(lent_broker.settings(), database.url("relay"), ALL, asyncio.Event())
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(relay.run())
        await eventually(lambda: is_ready(relay))
        await append(app, [an_append()])  # and does not commit
        async with await psycopg.AsyncConnection.connect(database.url("app")) as other:
            await append_some(other, 1)

        async def named() -> str:
            try:
                await relay.status.check_ready()
            except Unhealthy as error:
                return str(error)
            return ""

        said = await eventually(named, lambda text: "open transaction" in text, within=15)
        assert f"pid {app.info.backend_pid}, database {database.name}, user paystream_app_login, open for" in said
        assert relay.position == 0
        assert metrics.GAP_WAIT._value.get() >= 3
        assert [line["position"] for line in logs if line["event"] == "relay_waits_for_transaction"] == [0]
        await app.commit()

        async def published() -> int:
            return relay.position or 0

        await eventually(published, lambda position: position == 2)
        await eventually(lambda: is_ready(relay))
        assert metrics.GAP_WAIT._value.get() == 0
    relay._stop.set()
    await asyncio.wait_for(running, 15)


async def test_a_relay_that_ends_waits_for_no_transaction_any_more(
    database: Database, app: Connection, lent_broker: LentBroker
) -> None:
    relay = Relay(lent_broker.settings(), database.url("relay"), ALL, asyncio.Event())
    running = asyncio.create_task(relay.run())
    await eventually(lambda: is_ready(relay))
    await append(app, [an_append()])  # and does not commit
    async with await psycopg.AsyncConnection.connect(database.url("app")) as other:
        await append_some(other, 1)

    async def waited() -> float:
        return float(metrics.GAP_WAIT._value.get())

    await eventually(waited, lambda seconds: seconds > 0)
    relay._stop.set()
    await asyncio.wait_for(running, 15)
    assert await waited() == 0, "else the alert would go on"


async def _said(logs: list[structlog.typing.EventDict], words: str) -> bool:
    return any(words in f"{line.get('error')} {line.get('obstacles')}" for line in logs)


async def _until_published(relay: Relay, position: int) -> None:
    running = asyncio.create_task(relay.run())

    async def reached() -> int:
        return relay.position or 0

    await eventually(reached, lambda found: found >= position)
    relay._stop.set()
    await running


async def _events_after(database: Database, position: int) -> list[RecordedEvent]:
    async with await psycopg.AsyncConnection.connect(database.url("relay"), autocommit=True) as connection:
        return list(await Tail(position).read(connection))

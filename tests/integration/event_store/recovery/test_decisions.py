"""What needs a person: positions that were used twice, a cluster of another log, a start without Kafka."""

from pathlib import Path

import psycopg
import pytest
import structlog

from domain.ids import LogId
from event_store.database_log import DatabaseLog
from event_store.store import append, load
from infra.kafka.consumer.own_log import ForeignCluster
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.postgres.pool import Pool
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import Delivered, from_kafka, to_kafka
from schemas.envelope import RecordedEvent
from tests.integration.event_store.recovery.younger_log import (
    loaded,
    log_of,
    new_log,
    published_in,
    published_up_to,
    relayed,
    state_of,
    url,
)
from tests.support.brokers import LentBroker
from tests.support.database import Database, postgres_server
from tests.support.log_entries import an_append
from tests.support.paystream_command import Ended, paystream
from tests.support.postgres_copies import backup, server_on
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def recover(folder: Path, database_url: str, settings: KafkaSettings, *arguments: str) -> Ended:
    given = {"DATABASE_URL": database_url} | settings.model_dump(exclude_defaults=True)
    return await paystream("recover", *arguments, cwd=folder, settings=given)


async def test_a_log_that_was_appended_to_since_is_opened_by_decision(tmp_path: Path, lent_broker: LentBroker) -> None:
    settings = lent_broker.settings()
    async with postgres_server(tmp_path / "primary") as primary:
        database = await new_log(primary, trusts_restarts=True)
        copied = await backup(primary)
        async with relayed(primary, database, settings) as relay, loaded(primary, database):
            await published_up_to(relay, 20)
        primary.kill()
        async with server_on(copied, tmp_path / "restored", primary) as restored:
            owner = url(restored, database, "owner")
            async with await psycopg.AsyncConnection.connect(url(restored, database, "app")) as connection:
                await append(connection, [an_append(), an_append()])  # at positions that Kafka has for others
            before, theirs = await log_of(restored, database), await published_in(settings)
            with structlog.testing.capture_logs() as logs:
                async with relayed(restored, database, settings):

                    async def recovered() -> bool:
                        return any(line["event"] == "log_needs_decision" for line in logs)

                    await eventually(recovered)
            shown = await recover(tmp_path, owner, settings, "--dry-run")
            assert shown.code == 1
            assert "The log is closed: it lacks" in shown.output
            assert "events of Kafka have their place taken in the log: it was appended to since" in shown.output
            refused = await recover(tmp_path, owner, settings, "--yes")
            assert (refused.code, refused.errors.strip()) == (1, "An operator has to decide here: give a --reason.")
            assert await log_of(restored, database) == before
            opened = await recover(tmp_path, owner, settings, "--yes", "--reason", "restored too early")
            assert opened.code == 0, opened.errors
            assert "left out" in opened.output
            log = await log_of(restored, database)
            assert before.items() <= log.items()
            assert set(log.items()) - set(before.items()) <= set(theirs)
            assert (await state_of(restored, database)).closed_because is None
            again = await recover(tmp_path, owner, settings, "--dry-run")
            assert (again.code, again.output.splitlines()[0]) == (0, "The log is open, in epoch 2.")
            async with await psycopg.AsyncConnection.connect(owner) as connection:
                row = await (await connection.execute("SELECT report FROM event_store.recoveries")).fetchone()
            assert row is not None
            assert row[0]["because"] == "restored too early"
            # Each of the two may be followed by a second event of its stream, which then does not fit either.
            assert 2 <= len(row[0]["left_out"]) <= 4


async def test_a_log_that_was_only_started_is_opened_on_a_persons_word(tmp_path: Path, lent_broker: LentBroker) -> None:
    settings = lent_broker.settings()
    async with postgres_server(tmp_path / "primary") as primary:
        database = await new_log(primary)
        await primary.restart()
        lent_broker.kill()
        relay_url = url(primary, database, "relay")
        shown = await recover(tmp_path, relay_url, settings, "--dry-run")
        assert shown.code == 1
        assert "PostgreSQL was started" in shown.output
        opened = await recover(tmp_path, relay_url, settings, "--yes", "--reason", "Kafka is lost")
        assert opened.code == 0, opened.errors
        assert (await state_of(primary, database)).closed_because is None


async def test_a_relay_publishes_nothing_into_the_cluster_of_another_log(
    tmp_path: Path, lent_broker: LentBroker
) -> None:
    settings = lent_broker.settings()
    async with postgres_server(tmp_path / "primary") as primary:
        database = await new_log(primary)
        async with relayed(primary, database, settings) as relay, loaded(primary, database):
            await published_up_to(relay, 20)
        before = await published_in(settings)
        async with await psycopg.AsyncConnection.connect(url(primary, database, "owner"), autocommit=True) as owner:
            await owner.execute("UPDATE event_store.incarnation SET log_id = gen_random_uuid()")
        with structlog.testing.capture_logs() as logs:
            async with relayed(primary, database, settings):

                async def refused() -> bool:
                    return any("Kafka holds events of the log" in str(line.get("error")) for line in logs)

                await eventually(refused)
        assert await published_in(settings) == before


async def test_a_consumer_takes_nothing_of_another_log(database: Database, pool: Pool) -> None:
    own = DatabaseLog(pool)
    item = an_append()
    async with pool.connection() as connection:
        await append(connection, [item])
        (event,) = await load(connection, item.stream_id)
    log_id = (await state_of(database.server, database.name)).log_id
    for named in (log_id, None):
        await own.check_origin([_delivered(event, named)])
    with pytest.raises(ForeignCluster) as refused:
        await own.check_origin([_delivered(event, log_id), _delivered(event, LogId(item.stream_id))])
    assert is_worth_retrying(refused.value), "it is tried again, and becomes no dead letter"


def _delivered(event: RecordedEvent, log_id: LogId | None) -> Delivered:
    message = to_kafka(event, 0, log_id)
    return from_kafka(message.value, message.headers)

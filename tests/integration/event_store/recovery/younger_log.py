"""A log under load whose relay publishes, and what it comes to after PostgreSQL came back younger."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg

from event_store.appends import Appended
from event_store.group_commit import GroupCommit
from event_store.relay.relay import Relay
from event_store.relay.shard import Shard
from event_store.store import LogState, read_log_state
from infra.embedded.databases import create_database
from infra.embedded.postgres import OWNER, PostgresServer
from infra.kafka.topics import create_topics
from infra.postgres.pool import create_pool
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka
from schemas.topics import PAYMENT, declarations
from tests.support.kafka import read_topic
from tests.support.log_entries import an_append
from tests.support.prepared_home import TEMPLATE
from tests.support.waiting import eventually

ALL = Shard(index=0, count=1)


def url(server: PostgresServer, database: str, role: str) -> str:
    """Return the URL of a database for `owner`, `app` or `relay`."""
    return server.url(OWNER if role == "owner" else f"paystream_{role}_login", database)


async def new_log(server: PostgresServer, *, trusts_restarts: bool = False) -> str:
    """Make a migrated database on a server that will not live to drop it."""
    await create_database(server, "payments", template=TEMPLATE)
    async with await psycopg.AsyncConnection.connect(url(server, "payments", "owner"), autocommit=True) as connection:
        await connection.execute(
            "UPDATE event_store.incarnation SET trusts_restarts = %s, verified_start = pg_postmaster_start_time()",
            [trusts_restarts],
        )
    return "payments"


@dataclass
class Load:
    """Appends without a pause: payments of two events, each under an idempotency key."""

    appender: GroupCommit
    answered: dict[int, uuid.UUID] = field(default_factory=dict)
    """By position, the ids of the events that were answered for."""
    keys: dict[str, uuid.UUID] = field(default_factory=dict)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, callers: int = 4) -> None:
        """Append until `stop` is set, or the database is gone."""
        await asyncio.gather(*(self._call() for _ in range(callers)))

    async def _call(self) -> None:
        while not self.stop.is_set():
            key = str(uuid.uuid4())
            first = an_append(key=key)
            for item in (first, an_append(first.stream_id, 1)):
                try:
                    result = await self.appender.append(item)
                except psycopg.OperationalError:
                    return
                assert isinstance(result, Appended)
                self.answered[result.position] = item.events[-1].event_id
                self.keys[key] = first.stream_id


@asynccontextmanager
async def loaded(server: PostgresServer, database: str) -> AsyncIterator[Load]:
    """Append to a database meanwhile."""
    async with create_pool(url(server, database, "app"), size=2, name="load") as pool:
        load = Load(GroupCommit(pool))
        running = asyncio.create_task(load.run())
        try:
            yield load
        finally:
            load.stop.set()
            await running


@asynccontextmanager
async def relayed(server: PostgresServer, database: str, settings: KafkaSettings) -> AsyncIterator[Relay]:
    """Run a relay of all partitions meanwhile."""
    stop = asyncio.Event()
    relay = Relay(settings, url(server, database, "relay"), ALL, stop)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


async def log_of(server: PostgresServer, database: str) -> dict[int, uuid.UUID]:
    """Return the ids of the log's events by position."""
    async with await psycopg.AsyncConnection.connect(url(server, database, "owner")) as connection:
        rows = await (await connection.execute("SELECT position, event_id FROM event_store.events")).fetchall()
        return dict(rows)


async def state_of(server: PostgresServer, database: str) -> LogState:
    """Return the state of the log."""
    async with await psycopg.AsyncConnection.connect(url(server, database, "app")) as connection:
        return await read_log_state(connection)


async def published_in(settings: KafkaSettings) -> Counter[tuple[int, uuid.UUID]]:
    """Return how often each event stands in the topic of payments, by position and id."""
    await create_topics(settings, declarations(settings.kafka_topic_partitions, 1))
    found = await read_topic(settings, PAYMENT)
    events = [from_kafka(each.value, each.headers).event for records in found.values() for each in records]
    return Counter((event.position, event.event_id) for event in events)


async def published_up_to(relay: Relay, position: int) -> None:
    """Wait until the relay has published up to a position."""

    async def reached() -> int:
        return relay.position or 0

    await eventually(reached, lambda at: at >= position, within=60)


async def versions_are_whole(server: PostgresServer, database: str) -> bool:
    """Whether each stream has the events that it says, at the positions that it says, and in their order."""
    async with await psycopg.AsyncConnection.connect(url(server, database, "owner")) as connection:
        broken = await connection.execute(
            """
            SELECT stream_id FROM event_store.streams s FULL JOIN (
                SELECT stream_id, max(version) AS version, count(*) AS events,
                       min(position) AS first, max(position) AS last,
                       array_agg(position ORDER BY version) = array_agg(position ORDER BY position) AS ordered
                  FROM event_store.events GROUP BY stream_id) e USING (stream_id)
             WHERE (s.version, s.version, s.first_position, s.last_position, true)
                   IS DISTINCT FROM (e.version, e.events, e.first, e.last, e.ordered)
            """
        )
        return await broken.fetchall() == []

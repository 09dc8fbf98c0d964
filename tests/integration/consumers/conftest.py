"""A real broker and a pool for consumers."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from infra.embedded.broker import Broker
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.kafka.topics import create_topics
from infra.postgres import Pool, create_pool
from infra.settings import KafkaSettings
from schemas.topics import TopicDeclaration
from tests.integration.consumers.log import Log
from tests.support.database import Database

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A broker with one topic of two partitions, `topic`."""

    broker: Broker
    topic: str
    settings: KafkaSettings

    async def create_topic(self) -> None:
        await create_topics(self.settings, [TopicDeclaration(name=self.topic, partitions=2, replication_factor=1)])

    async def wipe(self) -> None:
        """Kill the broker and start it again, empty, on the same port."""
        self.broker.kill()
        await self.broker.start()
        await self.broker.wait_ready()


@pytest_asyncio.fixture
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    home = Home(tmp_path_factory.mktemp("broker"))
    home.open()
    broker = Broker(home, port=free_port())
    await broker.start()
    await broker.wait_ready()
    settings = KafkaSettings(
        kafka_bootstrap_servers=broker.address,
        kafka_transactions=False,
        kafka_fetch_max_wait_ms=20,
        kafka_request_timeout_ms=3000,
        kafka_session_timeout_ms=3000,
    )
    lent = Cluster(broker=broker, topic=f"test.{next(_numbers)}", settings=settings)
    await lent.create_topic()
    try:
        yield lent
    finally:
        await broker.stop()
        home.close()


@pytest_asyncio.fixture
async def log(cluster: Cluster) -> AsyncIterator[Log]:
    async with Log.of(cluster.settings, cluster.topic, partitions=2) as opened:
        yield opened


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = create_pool(database.url("app"), size=8, name="test")
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()

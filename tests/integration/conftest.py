"""A broker with a topic, a pool of the application role and a client of Redis, for tests that ask for one."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from pydantic import SecretStr
from redis.asyncio import Redis

from infra.embedded.valkey import ValkeyServer
from infra.kafka.topics import create_topics
from infra.postgres.pool import Pool, create_pool
from infra.redis.client import create_redis
from infra.settings.kafka import KafkaSettings
from infra.settings.redis import RedisSettings
from schemas.topics import TopicDeclaration
from tests.integration.infra.kafka.published_log import Log
from tests.support.brokers import LentBroker
from tests.support.database import Database

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A broker with one topic of two partitions, `topic`."""

    broker: LentBroker
    topic: str
    settings: KafkaSettings

    async def create_topic(self) -> None:
        await create_topics(self.settings, [TopicDeclaration(name=self.topic, partitions=2, replication_factor=1)])

    async def wipe(self) -> None:
        """Kill the broker and start it again, empty, on the same port."""
        await self.broker.wipe()


@pytest_asyncio.fixture
async def cluster(lent_broker: LentBroker) -> Cluster:
    settings = lent_broker.settings(kafka_request_timeout_ms=3000)
    lent = Cluster(broker=lent_broker, topic=f"test.{next(_numbers)}", settings=settings)
    await lent.create_topic()
    return lent


@pytest_asyncio.fixture
async def log(cluster: Cluster) -> AsyncIterator[Log]:
    async with Log.of(cluster.settings, cluster.topic, partitions=2) as opened:
        yield opened


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """Connections of the application's role."""
    async with create_pool(database.url("app"), size=8, name="test") as opened:
        yield opened


@pytest_asyncio.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = create_redis(RedisSettings(redis_url=SecretStr(valkey.url)))
    yield client
    await client.aclose()

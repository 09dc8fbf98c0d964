"""Topics as they are declared (in `schemas.topics`), and the cluster brought to that."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from infra.errors import InfraError, Unavailable
from infra.kafka.clients import admin_config
from infra.settings import KafkaSettings


class TopicDeclaration(Protocol):
    """A topic that must exist (`schemas.topics.TopicDeclaration` is one); `config` are Kafka's own topic settings."""

    @property
    def name(self) -> str:
        """The topic."""
        ...

    @property
    def partitions(self) -> int:
        """How many there must be: another number would send keys elsewhere."""
        ...

    @property
    def replication_factor(self) -> int:
        """How many brokers hold it."""
        ...

    @property
    def config(self) -> Mapping[str, str]:
        """Such as `{"cleanup.policy": "compact"}`."""
        ...


class KafkaUnavailable(Unavailable):
    """The cluster cannot be reached, or does not answer in time."""

    code: ClassVar[str] = "kafka_unavailable"
    title: ClassVar[str] = "Kafka is not available"


class TopicNotCreated(InfraError):
    """The cluster refused to create a topic."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"topic {topic} was not created: {reason}")
        self.topic = topic


class TopicMismatch(InfraError):
    """A topic has another number of partitions than declared: keys would change their partition."""

    def __init__(self, topic: str, declared: int, actual: int) -> None:
        super().__init__(f"topic {topic} has {actual} partitions where {declared} are declared")
        self.topic = topic
        self.declared = declared
        self.actual = actual


async def create_topics(settings: KafkaSettings, declarations: Sequence[TopicDeclaration]) -> tuple[str, ...]:
    """Create the declared topics that do not exist, and return their names. Running it again changes nothing.

    Raises KafkaUnavailable, TopicNotCreated, or TopicMismatch when one exists with another number of
    partitions.
    """
    async with _admin(settings) as admin:
        existing = await _partitions(admin)
        missing = [topic for topic in declarations if topic.name not in existing]
        if missing:
            await _create(admin, missing)
            existing = await _wait_until_visible(admin, missing)
        check_topics(declarations, existing)
        return tuple(topic.name for topic in missing)


async def describe_topics(settings: KafkaSettings) -> dict[str, int]:
    """Return the topics of the cluster with their numbers of partitions; raises KafkaUnavailable."""
    async with _admin(settings) as admin:
        return await _partitions(admin)


def check_topics(declarations: Iterable[TopicDeclaration], existing: Mapping[str, int]) -> None:
    """Raise TopicMismatch for a declared topic that exists otherwise."""
    for topic in declarations:
        actual = existing.get(topic.name, topic.partitions)
        if actual != topic.partitions:
            raise TopicMismatch(topic.name, topic.partitions, actual)


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**admin_config(settings, client_id="paystream-admin"))
    # aiokafka's own time-out holds for one request; starting tries each address in turn.
    limit_s = settings.kafka_request_timeout_ms / 1000 * 2
    try:
        async with asyncio.timeout(limit_s):
            await admin.start()
            yield admin
    except (KafkaError, TimeoutError, OSError) as error:
        raise KafkaUnavailable(f"no answer from {settings.kafka_bootstrap_servers}: {error!r}") from error
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[TopicDeclaration]) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(topic.name, topic.partitions, topic.replication_factor, topic_configs=dict(topic.config))
            for topic in topics
        ]
    )
    for name, code, *message in answer.topic_errors:
        # Somebody else may have created it in between: then its partitions are compared like any other's.
        if code and code != TopicAlreadyExistsError.errno:
            reason = next((text for text in message if text), for_code(code).__name__)
            raise TopicNotCreated(name, reason)


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    # All topics: a request that names topics would create them on a cluster with auto.create.topics.enable.
    return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def _wait_until_visible(admin: AIOKafkaAdminClient, topics: Sequence[TopicDeclaration]) -> dict[str, int]:
    """Wait for brokers to learn of new topics; ends with the time-out of `_admin`."""
    names = {topic.name for topic in topics}
    while not names <= (existing := await _partitions(admin)).keys():  # noqa: ASYNC110 - no event says it
        await asyncio.sleep(0.05)
    return existing

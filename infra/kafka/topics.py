"""Topics as they are declared (in `schemas.topics`): created, and verified before a process uses them."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from infra.errors import Permanent, ProcessFailed, Transient, Unavailable
from infra.kafka.aiokafka_patches.stopping import stop_client
from infra.kafka.clients import admin_config
from infra.kafka.names import KafkaNames
from infra.kafka.refusal import refusal_reason
from infra.kafka.topic_check import Comparison, TopicDeclaration, compare
from infra.kafka.topic_state import TopicState, read_states
from infra.process.declared import topic_declarations
from infra.settings.kafka import KafkaSettings

log = structlog.get_logger(__name__)

_CLOSE_S = 2.0


class KafkaUnavailable(Unavailable):
    """The cluster cannot be reached, refuses us, or does not answer in time."""

    code: ClassVar[str] = "kafka_unavailable"
    title: ClassVar[str] = "Kafka is not available"


class TopicNotCreated(Permanent):
    """The cluster refused to create a topic."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"topic {topic} was not created: {reason}")
        self.topic = topic


class TopicsMissing(Transient):
    """Topics do not exist. Whoever needs them waits until the relay has created them."""

    def __init__(self, topics: Collection[str]) -> None:
        super().__init__(f"topics are missing: {', '.join(sorted(topics))}")
        self.topics = tuple(sorted(topics))


class TopicsMismatch(ProcessFailed):
    """Topics are not as declared: no process may use them, since keys could go elsewhere, or events expire."""

    def __init__(self, differences: Sequence[Comparison]) -> None:
        topics = dict.fromkeys(each.topic for each in differences)
        described = (f"{topic} has " + ", ".join(str(e) for e in differences if e.topic == topic) for topic in topics)
        super().__init__(
            f"topics are not as declared: {'; '.join(described)}. `paystream topics verify` says what to do"
        )
        self.differences = tuple(differences)


def cell_declarations(settings: KafkaSettings) -> list[Any]:
    """Return the declarations of every topic of the system, by the names that the topics have on the cluster."""
    names = KafkaNames.of(settings)
    declared = topic_declarations(settings.kafka_topic_partitions, settings.kafka_replication_factor)
    return [replace(topic, name=names.topic(topic.name)) for topic in declared]


async def create_topics(settings: KafkaSettings, declarations: Sequence[TopicDeclaration]) -> tuple[str, ...]:
    """Create the declared topics that do not exist, and return their names. Running it again changes nothing.

    `declarations` have the names of the cluster, as `cell_declarations` gives them.

    Raises KafkaUnavailable, TopicNotCreated, or TopicsMismatch when one exists that is not as declared.
    """
    async with _admin(settings) as admin:
        names = _names(declarations)
        states = await read_states(admin, names)
        missing = [topic for topic in declarations if topic.name not in states]
        if missing:
            await _create(admin, missing)
            while not names <= (states := await read_states(admin, names)).keys():  # noqa: ASYNC110 - no event says it
                await asyncio.sleep(0.05)
    _check(_compared(declarations, states))
    return tuple(topic.name for topic in missing)


async def describe_topics(settings: KafkaSettings) -> dict[str, int]:
    """Return the topics of the cluster, without Kafka's own, and how many partitions each has.

    Raises KafkaUnavailable.
    """
    async with _admin(settings) as admin:
        topics = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics if not topic["is_internal"]}


async def verify_topics(settings: KafkaSettings, declarations: Sequence[TopicDeclaration]) -> None:
    """Raise TopicsMismatch, TopicsMissing or KafkaUnavailable unless all declared topics exist and are as declared."""
    await _verify(settings, declarations, _names(declarations))


async def require_topics(settings: KafkaSettings, names: Collection[str]) -> None:
    """Verify the topics that a process is about to use, as far as they are declared. Raises as `verify_topics`.

    `names` are those that topics are declared with; errors have those of the cluster.
    """
    needed = set(map(KafkaNames.of(settings).topic, names))
    await _verify(settings, [topic for topic in cell_declarations(settings) if topic.name in needed], needed)


async def compare_topics(
    settings: KafkaSettings, declarations: Sequence[TopicDeclaration]
) -> tuple[list[Comparison], list[str]]:
    """Return everything that is declared beside what is, and the topics that are missing. Raises KafkaUnavailable."""
    async with _admin(settings) as admin:
        states = await read_states(admin, _names(declarations))
    return _compared(declarations, states), [topic.name for topic in declarations if topic.name not in states]


async def _verify(settings: KafkaSettings, declarations: Sequence[TopicDeclaration], names: Collection[str]) -> None:
    async with _admin(settings) as admin:
        states = await read_states(admin, names)
    _check(_compared(declarations, states))
    if missing := set(names) - states.keys():
        raise TopicsMissing(missing)


def _names(declarations: Sequence[TopicDeclaration]) -> set[str]:
    return {topic.name for topic in declarations}


def _compared(declarations: Sequence[TopicDeclaration], states: dict[str, TopicState]) -> list[Comparison]:
    existing = [topic for topic in declarations if topic.name in states]
    return [comparison for topic in existing for comparison in compare(topic, states[topic.name])]


def _check(comparisons: Sequence[Comparison]) -> None:
    if unreported := [each for each in comparisons if each.actual is None]:
        # Not compared is not the same as equal, so it is logged.
        log.warning("topic_settings_not_reported", settings=[f"{each.topic} {each.setting}" for each in unreported])
    if differences := [each for each in comparisons if each.differs]:
        raise TopicsMismatch(differences)


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
        reason = f"no answer from {settings.kafka_bootstrap_servers}: {error!r}"
        if isinstance(error, KafkaConnectionError) and (refusal := await refusal_reason(settings)):
            reason = f"cannot connect: {refusal}"
        raise KafkaUnavailable(reason) from error
    finally:
        await stop_client(admin.close(), timeout_s=_CLOSE_S)


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[TopicDeclaration]) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(topic.name, topic.partitions, topic.replication_factor, topic_configs=dict(topic.config))
            for topic in topics
        ]
    )
    for name, code, *message in answer.topic_errors:
        # Somebody else may have created it in between: then it is compared like any other.
        if code and code != TopicAlreadyExistsError.errno:
            reason = next((text for text in message if text), for_code(code).__name__)
            raise TopicNotCreated(name, reason)

"""Reads the topics of the cluster as they are."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    NodeNotReadyError,
    NoError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

_ATTEMPTS = 10
_PAUSE_S = 0.05
_NOT_ALLOWED = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicState:
    """A topic as it is.

    `config` has the settings that the broker reports. Kafka reports all of them, Tansu those that were given when the
    topic was created; a broker that does not know the request, or does not allow it, reports none.
    """

    partitions: int
    replication_factor: int
    """Of the partition with the fewest replicas, whether their brokers run or not."""
    config: Mapping[str, str]


async def read_states(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, TopicState]:
    """Return those of the topics that exist, in two requests. Raises KafkaError."""
    # All topics: a request that names topics would create them on a cluster with auto.create.topics.enable.
    described = {
        topic["topic"]: topic["partitions"]
        for topic in await _from_any_broker(admin.describe_topics)
        if topic["topic"] in names and topic["partitions"]
    }
    configs = await _configs(admin, described.keys()) if described else {}
    return {
        name: TopicState(
            partitions=len(partitions),
            replication_factor=min(len(partition["replicas"]) for partition in partitions),
            config=configs[name],
        )
        for name, partitions in described.items()
        if name in configs
    }


async def _configs(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, dict[str, str]]:
    # Asked for all settings: Tansu (0.6) hangs up when some are named.
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        answers = await _from_any_broker(lambda: admin.describe_configs(resources))
    except IncompatibleBrokerVersion:
        return {name: {} for name in names}
    found: dict[str, dict[str, str]] = {}
    for code, message, _, name, entries in (each for answer in answers for each in answer.resources):
        error = for_code(code)
        if error in _NOT_ALLOWED:
            found[name] = {}
        elif error is NoError:
            found[name] = {entry[0]: entry[1] for entry in _reported(entries)}
        # The second broker may not know a new topic yet, or may know that it was deleted.
        elif error is not UnknownTopicOrPartitionError:
            raise error(message)
    return found


def _reported(entries: list[Any]) -> list[Any]:
    return [entry for entry in entries if entry[1] is not None]


async def _from_any_broker(ask: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
    """Ask again when a broker is away: aiokafka picks one at random, also of those that are away."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await ask()
        except NodeNotReadyError:
            await asyncio.sleep(_PAUSE_S)
    return await ask()

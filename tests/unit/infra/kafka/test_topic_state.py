from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnknownTopicOrPartitionError,
)

from infra.kafka.topic_state import TopicState, read_states

TOPIC = {"topic": "a", "partitions": [{"replicas": [1, 2, 3]}, {"replicas": [1, 2]}]}


class Admin:
    """Answers as aiokafka does; `failures` come first."""

    def __init__(self, *, error: int = 0, failures: list[Exception] | None = None) -> None:
        self._error = error
        self._failures = failures or []

    async def describe_topics(self) -> list[dict[str, Any]]:
        return [TOPIC, {"topic": "another", "partitions": [{"replicas": [1]}]}, {"topic": "b", "partitions": []}]

    async def describe_configs(self, resources: list[Any]) -> list[Any]:
        if self._failures:
            raise self._failures.pop(0)
        entries = [("cleanup.policy", "compact", False), ("nothing", None, False)]
        return [SimpleNamespace(resources=[(self._error, "refused", 2, each.name, entries)]) for each in resources]


async def states(**answers: Any) -> dict[str, TopicState]:
    return await read_states(cast("AIOKafkaAdminClient", Admin(**answers)), {"a", "b"})


async def test_a_topic_is_reported_with_its_fewest_replicas_and_its_settings() -> None:
    assert await states() == {
        "a": TopicState(partitions=2, replication_factor=2, config={"cleanup.policy": "compact"}),
    }


@pytest.mark.parametrize(
    "answers",
    [{"error": TopicAuthorizationFailedError.errno}, {"failures": [IncompatibleBrokerVersion("too old")]}],
)
async def test_settings_that_nobody_tells_are_none(answers: dict[str, Any]) -> None:
    assert (await states(**answers))["a"].config == {}


async def test_a_topic_that_the_second_broker_does_not_know_is_not_there_yet() -> None:
    assert await states(error=UnknownTopicOrPartitionError.errno) == {}


async def test_a_broker_that_is_away_is_not_asked_again_for_ever() -> None:
    assert set(await states(failures=[NodeNotReadyError() for _ in range(3)])) == {"a"}
    with pytest.raises(NodeNotReadyError):
        await states(failures=[NodeNotReadyError() for _ in range(20)])


async def test_any_other_error_is_raised() -> None:
    with pytest.raises(UnknownError, match="refused"):
        await states(error=UnknownError.errno)

"""Members that joined before their topic was there read it once it is, whatever the broker makes of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from infra.kafka.consumer.subscription import Subscription
from infra.kafka.topics import create_topics
from infra.settings.kafka import KafkaSettings
from schemas.topics import PAYMENT, declarations
from tests.support.brokers import LentBroker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PARTITIONS = 4


@asynccontextmanager
async def member(settings: KafkaSettings) -> AsyncIterator[Subscription]:
    async def ignored(_: object) -> None: ...

    subscription = Subscription(
        settings,
        topics=[PAYMENT],
        group_id="early",
        max_records=10,
        drain_s=1,
        handler=ignored,
        on_assigned=lambda _: None,
    )
    await subscription.start(30)
    try:
        yield subscription
    finally:
        await subscription.stop(10)


@pytest.mark.parametrize("members", [1, 2])
async def test_members_that_joined_without_a_topic_share_it_later(
    lent_broker: LentBroker, monkeypatch: pytest.MonkeyPatch, members: int
) -> None:
    settings = lent_broker.settings(kafka_topic_partitions=PARTITIONS)
    await create_topics(settings, declarations(PARTITIONS, 1))
    every = [TopicPartition(PAYMENT, number) for number in range(PARTITIONS)]
    assign = RoundRobinPartitionAssignor.assign
    async with AsyncExitStack() as stack:
        with monkeypatch.context() as without:  # as a broker that came back empty
            without.setattr(
                RoundRobinPartitionAssignor, "assign", lambda _, members: assign(ClusterMetadata(), members)
            )
            group = [await stack.enter_async_context(member(settings)) for _ in range(members)]
            await eventually(lambda: joined(group), lambda found: found == [frozenset()] * members, within=40)
        for each in group:
            each.consumer._coordinator._on_metadata_change()

        async def shares() -> list[frozenset[TopicPartition]]:
            return [each.assignment for each in group]

        def is_shared(found: list[frozenset[TopicPartition]]) -> bool:
            return all(found) and sorted(partition for each in found for partition in each) == every

        assert is_shared(await eventually(shares, is_shared, within=40))


async def joined(group: Sequence[Subscription]) -> list[frozenset[TopicPartition] | None]:
    """Return what is assigned to each; None: it is joining."""
    return [
        each.assignment if each.consumer._coordinator._subscription.subscription.assignment is not None else None
        for each in group
    ]

"""A stream's partition is the one that every Kafka client computes for its key."""

from typing import Any
from uuid import UUID

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import EVENT_TYPES, EventType
from schemas.topics import RELAY_PROGRESS, dead_letter_topics, declarations, event_topics, partition_of, topic_of


@given(stream_id=st.uuids(), partitions=st.integers(1, 100))
def test_the_partition_is_that_of_kafkas_default_partitioner(stream_id: UUID, partitions: int) -> None:
    expected = (murmur2(str(stream_id).encode()) & 0x7FFFFFFF) % partitions
    assert partition_of(stream_id, partitions) == expected


def test_only_the_progress_topic_is_compacted_and_the_others_keep_all() -> None:
    declared = {topic.name: topic for topic in declarations(12, 1)}
    assert set(declared) == {*event_topics(), *dead_letter_topics(), RELAY_PROGRESS}
    for name in (*event_topics(), *dead_letter_topics()):
        assert declared[name].config == {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
    assert {declared[name].partitions for name in event_topics()} == {12}
    assert {declared[name].partitions for name in (*dead_letter_topics(), RELAY_PROGRESS)} == {1}
    assert declared[RELAY_PROGRESS].config["cleanup.policy"] == "compact"


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, None), (2, None), (3, "2"), (5, "2")])
def test_of_three_replicas_two_must_have_a_record(replicas: int, in_sync: str | None) -> None:
    for topic in declarations(12, replicas):
        assert topic.replication_factor == replicas
        assert topic.config.get("min.insync.replicas") == in_sync


def test_each_consumer_has_a_dead_letter_topic_of_its_own() -> None:
    assert dead_letter_topics() == [
        "paystream.payment.dlq.stripe-gateway",
        "paystream.payment.dlq.projector",
        "paystream.payment.dlq.sagas",
        "paystream.payment.dlq.webhooks-out",
        "paystream.split-payment.dlq.sagas",
        "paystream.split-payment.dlq.projector",
        "paystream.stripe-event.dlq.stripe-webhooks",
        "paystream.stripe-balance.dlq.projector",
        "paystream.reconciliation.dlq.reconciliation",
        "paystream.reconciliation.dlq.projector",
    ]


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda each: each.name)
def test_the_events_of_every_type_have_a_topic(event_type: EventType[Any]) -> None:
    assert topic_of(event_type.category) == f"paystream.{event_type.category}"

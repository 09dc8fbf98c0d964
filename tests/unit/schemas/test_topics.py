"""A stream's partition is the one that every Kafka client computes for its key."""

from uuid import UUID

from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import RELAY_PROGRESS, declarations, event_topics, partition_of


@given(stream_id=st.uuids(), partitions=st.integers(1, 100))
def test_the_partition_is_that_of_kafkas_default_partitioner(stream_id: UUID, partitions: int) -> None:
    expected = (murmur2(str(stream_id).encode()) & 0x7FFFFFFF) % partitions
    assert partition_of(stream_id, partitions) == expected


def test_event_topics_keep_everything_and_the_progress_topic_the_newest() -> None:
    declared = {topic.name: topic for topic in declarations(12, 3)}
    assert set(declared) == {*event_topics(), RELAY_PROGRESS}
    for name in event_topics():
        assert declared[name].partitions == 12
        assert declared[name].config["retention.ms"] == "-1"
    assert declared[RELAY_PROGRESS].config == {"cleanup.policy": "compact"}
    assert declared[RELAY_PROGRESS].partitions == 1
    assert {topic.replication_factor for topic in declared.values()} == {3}

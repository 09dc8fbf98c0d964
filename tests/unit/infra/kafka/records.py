"""Records as aiokafka gives them."""

from aiokafka import ConsumerRecord, TopicPartition


def a_record(
    place: TopicPartition, *, headers: tuple[tuple[str, bytes], ...] = ()
) -> ConsumerRecord[bytes | None, bytes | None]:
    """Return a record of an empty document."""
    return ConsumerRecord(
        topic=place.topic,
        partition=place.partition,
        offset=0,
        timestamp=0,
        timestamp_type=0,
        key=None,
        value=b"{}",
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=2,
        headers=headers,
    )

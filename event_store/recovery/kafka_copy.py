"""Reads from Kafka what it holds of the log behind a position."""

from collections.abc import Mapping
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from event_store.relay.partitions import at_end, started
from event_store.relay.progress import Place
from infra.kafka.clients import consumer_config
from infra.kafka.transient import ForeignCluster
from infra.settings import KafkaSettings
from schemas.cloudevents import Delivered, from_kafka
from schemas.envelope import RecordedEvent
from schemas.errors import MalformedMessage
from schemas.topics import event_topics

log = structlog.get_logger(__name__)

_FIRST_STEP, _STEPS_GROW = 100, 4
_POLL_MS = 200


async def read_copy(settings: KafkaSettings, position: int, own_log: UUID) -> dict[Place, list[RecordedEvent]]:
    """Return the committed events of every topic from some at or before `position` on, by partition.

    Positions rise within a partition, so it is read backwards in growing steps until such an event is found. Without
    transactions events may stand there twice, and it is read as a whole. Records that are no events are passed over.
    Raises ForeignCluster for an event of another log than `own_log`, KafkaError.
    """
    isolation = "read_committed" if settings.kafka_transactions else "read_uncommitted"
    options = consumer_config(settings, client_id="paystream-recovery") | {"isolation_level": isolation}
    async with started(AIOKafkaConsumer(**options)) as consumer:
        places = [
            TopicPartition(topic, each) for topic in event_topics() for each in range(settings.kafka_topic_partitions)
        ]
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        found: dict[Place, list[RecordedEvent]] = {}
        step = _FIRST_STEP
        wanted = [place for place in places if ends[place] > begins[place]]
        while wanted:
            whole = not settings.kafka_transactions
            starts = {place: begins[place] if whole else max(begins[place], ends[place] - step) for place in wanted}
            for place, messages in (await _read(consumer, starts, ends, believe_fetch=whole)).items():
                for message in messages:
                    if message.log_id not in (None, own_log):
                        raise ForeignCluster(own_log, message.log_id)
                found[Place(*place)] = [message.event for message in messages]
            wanted = [
                place
                for place in wanted
                if starts[place] > begins[place] and not any(each.position <= position for each in found[Place(*place)])
            ]
            step *= _STEPS_GROW
        return found


async def _read(
    consumer: AIOKafkaConsumer,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    *,
    believe_fetch: bool,
) -> dict[TopicPartition, list[Delivered]]:
    found: dict[TopicPartition, list[Delivered]] = {place: [] for place in starts}
    for place, start in starts.items():
        consumer.seek(place, start)
    left = set(starts)
    while left:
        for place, records in (await consumer.getmany(*left, timeout_ms=_POLL_MS)).items():
            for record in records:
                try:
                    found[place].append(from_kafka(record.value, record.headers))
                except MalformedMessage as error:
                    log.warning(
                        "recovery_record_passed_over", topic=record.topic, offset=record.offset, error=str(error)
                    )
        left = {place for place in left if not await at_end(consumer, place, ends[place], believe_fetch=believe_fetch)}
    return found

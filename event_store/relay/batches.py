"""A run of the log as Kafka record batches, one or more for each partition.

Whole batches are built here and handed over (`send_batch`): that takes half the processor time of sending message by
message, where each has a future of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.producer.message_accumulator import BatchBuilder

from domain.ids import EventId, LogId
from event_store.relay.progress import Place, Published
from event_store.relay.shard import Shard
from schemas.cloudevents import KafkaMessage, to_kafka
from schemas.envelope import RecordedEvent
from schemas.topics import partition_of, topic_of


@dataclass(kw_only=True)
class Batches:
    """What goes to each place, in order, and the event that is the last there then: its position and its id."""

    of_place: dict[Place, list[BatchBuilder]] = field(default_factory=dict)
    positions: dict[Place, int] = field(default_factory=dict)
    event_ids: dict[Place, EventId] = field(default_factory=dict)
    events: list[RecordedEvent] = field(default_factory=list)
    """The events in the batches."""
    of_batch: dict[int, list[RecordedEvent]] = field(default_factory=dict)
    """The events of each batch, by `id` of the batch."""

    def rounds(self) -> list[list[tuple[Place, BatchBuilder]]]:
        """Return the first batch of every place, then the second ones: a producer sends one a place at a time."""
        longest = max(map(len, self.of_place.values()), default=0)
        return [
            [(place, batches[turn]) for place, batches in self.of_place.items() if turn < len(batches)]
            for turn in range(longest)
        ]


def build(
    events: Sequence[RecordedEvent],
    published: Mapping[Place, Published],
    new_batch: Callable[[], BatchBuilder],
    *,
    shard: Shard,
    partitions: int,
    log_id: LogId,
    one_by_one: bool = False,
) -> Batches:
    """Encode those of `events` that belong to the shard and are not published yet. `log_id` names their log.

    `one_by_one`: in a batch each, so that Kafka can refuse each for itself.
    """
    found = Batches()
    for event in events:
        place = Place(topic_of(event.category), partition_of(event.stream_id, partitions))
        last = published.get(place)
        previous = found.positions.get(place, last.position if last else 0)
        if not shard.owns(place.partition) or event.position <= previous:
            continue
        message = to_kafka(event, previous, log_id)
        batches = found.of_place.setdefault(place, [])
        if one_by_one or not batches or not _add(batches[-1], message):
            batches.append(new_batch())
            _add(batches[-1], message)  # the first message of a batch fits, whatever its size
        found.of_batch.setdefault(id(batches[-1]), []).append(event)
        found.positions[place] = event.position
        found.event_ids[place] = event.event_id
        found.events.append(event)
    return found


def _add(batch: BatchBuilder, message: KafkaMessage) -> bool:
    """Append to a batch; False when it is full."""
    added = batch.append(timestamp=None, key=message.key, value=message.value, headers=message.headers)
    return added is not None

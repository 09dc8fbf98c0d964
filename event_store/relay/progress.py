"""How far a relay has published, as it stands in Kafka beside the events themselves.

A record is kept for each shard in the compacted progress topic. It says for each partition which event was published
there last. The position is where publishing goes on; an offset shows on the next start whether the partition
still holds what was published (a topic can be deleted, an in-memory broker restarted).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from event_store.relay.shard import Shard


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read what `str()` wrote."""
        topic, _, partition = text.rpartition("/")
        return cls(topic, int(partition))


class Published(NamedTuple):
    """The last event published to a partition: its position in the log, and a Kafka offset that proves it is there.

    The offset is that of the first message sent to the partition together with the event. A partition that holds the
    event ends beyond it, even on a broker like Tansu, which reports as the end the offset after the *first* message of
    the last batch.
    """

    position: int
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Everything up to `position` that belongs to the shard is published."""

    shard: Shard
    position: int
    published: Mapping[Place, Published] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """The record's key: compaction keeps the newest of each shard."""
        return f"shard {self.shard}".encode()

    def encode(self) -> bytes:
        """Write the record's value."""
        places = {str(place): list(published) for place, published in self.published.items()}
        return orjson.dumps({"shard": str(self.shard), "position": self.position, "published": places})

    @classmethod
    def decode(cls, value: bytes) -> "Progress":
        """Read a record's value. Raises ValueError when it is not one."""
        try:
            found = orjson.loads(value)
            places = {Place.parse(place): Published(*pair) for place, pair in found["published"].items()}
            return cls(shard=Shard.parse(found["shard"]), position=int(found["position"]), published=places)
        except (KeyError, TypeError, AttributeError, ValueError) as wrong:
            raise ValueError(f"not a progress record: {wrong}") from None


def resume(
    records: Iterable[Progress], *, shard: Shard, places: Iterable[Place], end_offsets: Mapping[Place, int]
) -> Progress:
    """Return where `shard` goes on with its `places`, from the newest record of every shard there ever was.

    A place may have been another shard's before; the record that came furthest counts. A place that no longer holds
    the last event published to it (its end offset is lower) is published again from the start. The position is that
    of the place furthest behind: what the others have already is skipped by their own positions.
    """
    newest: dict[Place, Progress] = {}
    for record in records:
        for place in places:
            known = newest.get(place)
            if record.shard.owns(place.partition) and (known is None or known.position < record.position):
                newest[place] = record
    published: dict[Place, Published] = {}
    positions: list[int] = []
    for place in places:
        record_of_place = newest.get(place)
        last = record_of_place.published.get(place) if record_of_place else None
        if record_of_place is None or (last is not None and end_offsets[place] <= last.offset):
            positions.append(0)
            continue
        positions.append(record_of_place.position)
        if last is not None:
            published[place] = last
    return Progress(shard=shard, position=min(positions, default=0), published=published)

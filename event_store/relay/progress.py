"""How far a relay has published, as Kafka holds it beside the events themselves.

A record is kept for each shard in the compacted progress topic. It says for each partition which event was published
there last. The position is where publishing goes on; an offset says where to look, on the next start, whether the
partition still holds that event (a topic can be deleted, an in-memory broker restarted).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import orjson

from domain.ids import EventId, LogId
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
    """The last event published to a partition: its position in the log, and a Kafka offset from which it is found.

    A partition that holds the event ends beyond the offset. With transactions it is the event's own; in a record it may
    be one less for each marker before it. Without, it is that of the first message sent to the partition together with
    the event: a broker like Tansu reports as the end the offset after the *first* message of the last batch.
    """

    position: int
    offset: int
    event_id: EventId | None = None
    """Distinguishes it from another event at the same position of a log that went back. Older records lack it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayProgress:
    """Everything up to `position` that belongs to the shard is published, of the log `log_id` in its `epoch`.

    Older records say neither.
    """

    shard: Shard
    position: int
    published: Mapping[Place, Published] = field(default_factory=dict)
    log_id: LogId | None = None
    epoch: int = 0

    @property
    def key(self) -> bytes:
        """The record's key: compaction keeps the newest of each shard."""
        return f"shard {self.shard}".encode()

    def encode(self) -> bytes:
        """Write the record's value."""
        places = {str(place): [each.position, each.offset] for place, each in self.published.items()}
        ids = {str(place): str(each.event_id) for place, each in self.published.items() if each.event_id}
        record = {"shard": str(self.shard), "position": self.position, "published": places, "event_ids": ids}
        log = {} if self.log_id is None else {"log_id": str(self.log_id), "epoch": self.epoch}
        return orjson.dumps(record | log)

    @classmethod
    def decode(cls, value: bytes) -> "RelayProgress":
        """Read a record's value. Raises ValueError when it is not one."""
        try:
            found = orjson.loads(value)
            ids = {place: EventId(UUID(event_id)) for place, event_id in found.get("event_ids", {}).items()}
            places = {
                Place.parse(place): Published(position, offset, ids.get(place))
                for place, (position, offset) in found["published"].items()
            }
            return cls(
                shard=Shard.parse(found["shard"]),
                position=int(found["position"]),
                published=places,
                log_id=LogId(UUID(found["log_id"])) if "log_id" in found else None,
                epoch=int(found.get("epoch", 0)),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as wrong:
            raise ValueError(f"not a progress record: {wrong}") from None


class Lost(NamedTuple):
    """What a place no longer holds, and the end that the broker reported when that was seen."""

    published: Published
    end: int

    @property
    def highest_first(self) -> int:
        """The highest offset that the next record can get there, if what was seen is true."""
        return max(self.published.offset, self.end)


class Resumed(NamedTuple):
    """Where publishing resumes, and why there."""

    progress: RelayProgress
    lost: Mapping[Place, Lost]
    """The places that do not hold the last event published to them: published again from the start."""
    unrecorded: frozenset[Place]
    """The places that no record knows: nothing was ever published there, if the progress topic is whole."""


def last_published(records: Iterable[RelayProgress], places: Collection[Place]) -> dict[Place, Published]:
    """Return the last event published to each place, as the records of every shard say, oldest first."""
    return {
        place: record.published[place]
        for place, record in _newest(records, places).items()
        if place in record.published
    }


def resume(
    records: Iterable[RelayProgress],
    *,
    shard: Shard,
    places: Collection[Place],
    held: Collection[Place],
    end_offsets: Mapping[Place, int],
) -> Resumed:
    """Return where `shard` goes on with its `places`, from the records of every shard there ever was, oldest first.

    A place may have been another shard's before; the newest record counts, not the furthest: where a topic was
    published again, the newer one is behind. A place that is not among the `held`, which hold the last event published
    to them, is published again from the start. The position is that of the place furthest behind: what the others have
    already is skipped by their own positions.
    """
    newest = _newest(records, places)
    published: dict[Place, Published] = {}
    lost: dict[Place, Lost] = {}
    positions: list[int] = []
    for place in places:
        record = newest.get(place)
        last = record.published.get(place) if record else None
        if last is not None and place in held:
            published[place] = last
        elif last is not None:
            lost[place] = Lost(last, end_offsets[place])
        positions.append(record.position if record and place not in lost else 0)
    progress = RelayProgress(shard=shard, position=min(positions, default=0), published=published)
    return Resumed(progress, lost, frozenset(set(places) - newest.keys()))


def _newest(records: Iterable[RelayProgress], places: Collection[Place]) -> dict[Place, RelayProgress]:
    newest: dict[Place, RelayProgress] = {}
    for record in records:
        newest |= {place: record for place in places if record.shard.owns(place.partition)}
    return newest

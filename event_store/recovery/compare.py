"""Compares the end of the log with Kafka's copy of it, part by part."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from domain.ids import EventId
from event_store.recovery.kafka_copy import Part
from event_store.relay.progress import Place
from schemas.envelope import RecordedEvent
from schemas.topics import partition_of, topic_of

SHOWN = 100
"""How many of the lost events are kept to be shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedEvent:
    """The part of an event in the log by which it is found among Kafka's."""

    position: int
    event_id: EventId
    stream_id: UUID
    version: int
    category: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """An event in Kafka that cannot be written back: the log has `instead` in its place."""

    lost: RecordedEvent
    instead: LoggedEvent | None


@dataclass(kw_only=True, slots=True)
class Comparison:
    """The log and Kafka's copy, behind the position up to which the log is known to be whole, as far as compared.

    `partitions`: how many topics have. `may_be_empty`: Kafka may have lost everything by itself, as a broker in
    memory does. `highest_position` is the highest that may be used, to begin with that of progress records.

    `published_up_to`: without transactions, up to which position progress records say that each partition was
    published, by its number. A batch that failed may be missing behind that, although a later one is there: the relay
    publishes it again. None: with transactions, where nothing is missing before what is there.
    """

    whole_up_to: int
    partitions: int
    may_be_empty: bool = False
    highest_position: int = 0
    published_up_to: Mapping[int, int] | None = None
    compared_up_to: int = 0
    common: int = 0
    written_back: int = 0
    """How many events were only in Kafka, and can be written back."""
    first_lost: list[RecordedEvent] = field(default_factory=list)
    """The first of them, in the order of positions."""
    lost_streams: set[UUID] = field(default_factory=set)
    different: list[Difference] = field(default_factory=list)
    unpublished: int = 0
    """How many are only in the log: the relay publishes them."""
    skipped: int = 0
    """How many of these have later events in Kafka, in the same partition."""
    _lacks_whole_part: bool = False
    _different_streams: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.compared_up_to = self.whole_up_to

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why an operator has to decide. Without any, what was lost can be written back, and nothing else differs."""
        return tuple(self._blockers())

    @property
    def went_on_otherwise(self) -> bool:
        """Whether Kafka's copy and the log went different ways, so that consumers may have applied what the log lacks.

        Not when Kafka holds nothing: where consumers stand comes from the database that the log is in.
        """
        return bool(self.different or self.skipped or self._lacks_whole_part)

    def add(self, part: Part, logged: Collection[LoggedEvent], versions: Mapping[UUID, int]) -> list[RecordedEvent]:
        """Compare a part, and return what is to be written back, each event after what its stream has in the log.

        `logged` are the log's events behind the part before it up to the end of this one, at the positions of this one,
        and at the streams' versions of it. `versions` are those that its streams have in the log, with all that was
        returned before.
        """
        at = {each.position: each for each in logged}
        of_stream = {(each.stream_id, each.version): each for each in logged}
        held = {event.event_id: event for event in part.events}
        reached = dict(versions)
        lost: list[RecordedEvent] = []
        for event in held.values():
            here = at.get(event.position)
            if here is not None and here.event_id == event.event_id:
                self.common += 1
                continue
            follows = (
                event.stream_id not in self._different_streams and event.version == reached.get(event.stream_id, 0) + 1
            )
            if here is None and follows:
                reached[event.stream_id] = event.version
                lost.append(event)
            else:
                self._different_streams.add(event.stream_id)
                instead = here or of_stream.get((event.stream_id, event.version))
                self.different.append(Difference(lost=event, instead=instead))
        self._add_lost(lost)
        for each in logged:
            if self.compared_up_to < each.position <= part.until and each.event_id not in held:
                self.unpublished += 1
                self.skipped += self._is_skipped(each, part.read_up_to)
        self.highest_position = max([self.highest_position, *(event.position for event in held.values())])
        self.compared_up_to = max(self.compared_up_to, part.until)
        return lost

    def _is_skipped(self, event: LoggedEvent, read_up_to: Mapping[Place, int]) -> bool:
        place = _place(event, self.partitions)
        if self.published_up_to is not None and event.position > self.published_up_to.get(place.partition, 0):
            return False
        return event.position < read_up_to.get(place, 0)

    def _add_lost(self, lost: list[RecordedEvent]) -> None:
        self.written_back += len(lost)
        self.lost_streams.update(event.stream_id for event in lost)
        self.first_lost += lost[: SHOWN - len(self.first_lost)]
        self._lacks_whole_part |= any(event.position <= self.whole_up_to for event in lost)

    def _blockers(self) -> Iterable[str]:
        is_empty = not self.common and not self.written_back and not self.different
        if not self.common and not (self.may_be_empty and is_empty):
            if self.whole_up_to:
                yield (
                    f"Kafka holds none of the events that were published up to position {self.whole_up_to}: it was "
                    "emptied, or it is another cluster"
                )
            elif is_empty and self.unpublished:
                yield (
                    f"Kafka holds no event, and the log {self.unpublished}, of which none is known to have been "
                    "published: nothing tells what the log lost, if Kafka was emptied or is another cluster"
                )
        if self._lacks_whole_part:
            yield f"the log lacks events before position {self.whole_up_to}, up to which it should be whole"
        if self.different:
            yield f"{len(self.different)} events of Kafka have their place taken in the log: it was appended to since"
        if self.skipped:
            yield f"{self.skipped} events of the log were skipped in Kafka: it was appended to since"


def _place(event: LoggedEvent, partitions: int) -> Place:
    return Place(topic_of(event.category), partition_of(event.stream_id, partitions))

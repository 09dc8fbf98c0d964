"""Compares the end of the log with Kafka's copy of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from event_store.relay.progress import Place
from schemas.envelope import RecordedEvent
from schemas.topics import partition_of, topic_of


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedEvent:
    """What of an event in the log tells whether it is one of Kafka's."""

    position: int
    event_id: UUID
    stream_id: UUID
    version: int
    category: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """An event of Kafka's that cannot be written back, for its place is taken: by `instead`, in the log."""

    lost: RecordedEvent
    instead: LoggedEvent | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The log and Kafka's copy, behind the position up to which the log is known to be whole.

    `obstacles` say why a person has to decide; without any, what is lost can be written back and nothing else differs.
    """

    whole_up_to: int
    common: int
    lost: tuple[RecordedEvent, ...]
    """Only in Kafka, in the order of positions, each after what its stream has in the log."""
    different: tuple[Difference, ...]
    unpublished: int
    """How many are only in the log: the relay publishes them."""
    highest_position: int
    obstacles: tuple[str, ...]


def compare(
    *,
    whole_up_to: int,
    copy: Mapping[Place, Sequence[RecordedEvent]],
    partitions: int,
    logged: Collection[LoggedEvent],
    versions: Mapping[UUID, int],
    behind: int = 0,
    may_be_empty: bool = False,
    announced_position: int = 0,
) -> Comparison:
    """Compare. `logged` are the log's events behind the position up to the last of Kafka's `copy`, and at those of it.

    `behind` is how many there are after that. `versions` are those that the streams of the copy have in the log. Topics
    have so many `partitions`. `may_be_empty`: that Kafka holds nothing at all says nothing, as of a broker that keeps
    it in memory. `announced_position` is the highest that any progress record names: it may have been used.
    """
    at = {each.position: each for each in logged}
    of_stream = {(each.stream_id, each.version): each for each in logged}
    held = {event.event_id: event for events in copy.values() for event in events}
    common = [event for event in held.values() if (here := at.get(event.position)) and here.event_id == event.event_id]
    lost: list[RecordedEvent] = []
    different: list[Difference] = []
    reached = dict(versions)
    strayed: set[UUID] = set()
    for event in sorted(held.values(), key=lambda each: (each.position, each.version)):
        here = at.get(event.position)
        if here is not None and here.event_id == event.event_id:
            continue
        follows = event.stream_id not in strayed and event.version == reached.get(event.stream_id, 0) + 1
        if here is None and follows:
            reached[event.stream_id] = event.version
            lost.append(event)
        else:
            strayed.add(event.stream_id)
            different.append(Difference(lost=event, instead=here or of_stream.get((event.stream_id, event.version))))
    unpublished = [each for each in logged if each.position > whole_up_to and each.event_id not in held]
    ends = {place: max(event.position for event in events) for place, events in copy.items() if events}
    return Comparison(
        whole_up_to=whole_up_to,
        common=len(common),
        lost=tuple(lost),
        different=tuple(different),
        unpublished=len(unpublished) + behind,
        highest_position=max([announced_position, *(event.position for event in held.values())]),
        obstacles=tuple(
            _obstacles(
                whole_up_to,
                has_common=bool(common) or (may_be_empty and not held),
                lost=lost,
                different=different,
                passed_over=[each for each in unpublished if each.position < ends.get(_place(each, partitions), 0)],
            )
        ),
    )


def _obstacles(
    whole_up_to: int,
    *,
    has_common: bool,
    lost: Sequence[RecordedEvent],
    different: Sequence[Difference],
    passed_over: Sequence[LoggedEvent],
) -> Iterable[str]:
    if whole_up_to and not has_common:
        yield (
            f"Kafka holds none of the events that were published up to position {whole_up_to}: it was emptied, or it "
            "is another cluster"
        )
    if any(event.position <= whole_up_to for event in lost):
        yield f"the log lacks events before position {whole_up_to}, up to which it should be whole"
    if different:
        yield f"{len(different)} events of Kafka have their place taken in the log: it was appended to since"
    if passed_over:
        yield f"{len(passed_over)} events of the log were passed over in Kafka: it was appended to since"


def _place(event: LoggedEvent, partitions: int) -> Place:
    return Place(topic_of(event.category), partition_of(event.stream_id, partitions))

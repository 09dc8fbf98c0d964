"""What the log lost and Kafka has, and what a person has to decide about."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from domain.ids import EventId
from event_store.recovery.compare import SHOWN, Comparison, LoggedEvent
from event_store.recovery.kafka_copy import Part
from event_store.relay.progress import Place
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT, partition_of
from tests.support.log_entries import metadata

A, B, C = (uuid.UUID(int=number, version=4) for number in (1, 2, 3))
PARTITIONS = 4


def event(position: int, stream: uuid.UUID, version: int) -> RecordedEvent:
    return RecordedEvent(
        position=position,
        event_id=EventId(uuid.uuid4()),
        stream_id=stream,
        version=version,
        category="payment",
        type="test.happened",
        schema_version=1,
        data=b"{}",
        metadata=metadata(),
        recorded_at=datetime(2026, 11, 28, tzinfo=UTC),
    )


def logged(each: RecordedEvent) -> LoggedEvent:
    return LoggedEvent(
        position=each.position,
        event_id=each.event_id,
        stream_id=each.stream_id,
        version=each.version,
        category=each.category,
        type=each.type,
    )


class Compared(NamedTuple):
    lost: tuple[RecordedEvent, ...]
    found: Comparison

    @property
    def blockers(self) -> tuple[str, ...]:
        return self.found.blockers


def parts_of(kafka: Sequence[RecordedEvent], size: int) -> Iterator[Part]:
    """The copy in parts of so many positions."""
    events = sorted(kafka, key=lambda each: (each.position, each.version))
    read: dict[Place, int] = {}
    for each in events:
        place = Place(PAYMENT, partition_of(each.stream_id, PARTITIONS))
        read[place] = max(read.get(place, 0), each.position)
    last = max((each.position for each in events), default=0)
    for begin in range(0, max(last, 1), size):
        until = min(begin + size, last)
        taken = tuple(each for each in events if begin < each.position <= until)
        yield Part(taken, until, read)


def compared(
    log: Sequence[RecordedEvent],
    kafka: Sequence[RecordedEvent],
    whole_up_to: int = 1,
    *,
    size: int = 1000,
    may_be_empty: bool = False,
    published_up_to: int | None = None,
) -> Compared:
    found = Comparison(
        whole_up_to=whole_up_to,
        partitions=PARTITIONS,
        may_be_empty=may_be_empty,
        published_up_to=None if published_up_to is None else dict.fromkeys(range(PARTITIONS), published_up_to),
    )
    versions: dict[uuid.UUID, int] = {}
    for each in log:
        versions[each.stream_id] = max(versions.get(each.stream_id, 0), each.version)
    written: list[RecordedEvent] = []
    for part in parts_of(kafka, size):
        lost = found.add(part, [logged(each) for each in log], versions)
        versions |= {each.stream_id: each.version for each in lost}
        written += lost
    found.unpublished += sum(each.position > found.compared_up_to for each in log)
    assert found.written_back == len(written)
    assert found.lost_streams == {each.stream_id for each in written}
    assert found.first_lost == written[:SHOWN]
    return Compared(tuple(written), found)


def test_the_same_needs_nothing() -> None:
    events = [event(1, A, 1), event(2, B, 1), event(3, A, 2)]
    found = compared(events, events)
    assert (found.found.common, found.lost, found.found.unpublished, found.blockers) == (3, (), 0, ())


def test_what_only_kafka_has_is_lost_in_the_order_of_positions() -> None:
    one, two, three, four = event(1, A, 1), event(2, B, 1), event(3, A, 2), event(4, A, 3)
    found = compared([one], [one, four, three, two])
    assert found.lost == (two, three, four)
    assert found.blockers == ()
    assert found.found.highest_position == 4


def test_a_later_position_that_was_kept_hides_no_earlier_one() -> None:
    """Positions are drawn before transactions commit: a standby may have 3 and lack 2."""
    one, two, three = event(1, A, 1), event(2, B, 1), event(3, C, 1)
    found = compared([one, three], [one, two, three])
    assert (found.lost, found.blockers) == ((two,), ())


def test_what_stands_in_kafka_twice_is_written_back_once() -> None:
    one, two = event(1, A, 1), event(2, A, 2)
    assert compared([one], [one, two, two]).lost == (two,)


def test_what_only_the_log_has_is_yet_to_be_published() -> None:
    one, two = event(1, A, 1), event(2, B, 1)
    found = compared([one, two], [one])
    assert (found.found.unpublished, found.blockers) == (1, ())


def test_a_position_that_was_used_twice_is_for_a_person_to_decide() -> None:
    one, lost, instead = event(1, A, 1), event(2, B, 1), event(2, C, 1)
    found = compared([one, instead], [one, lost])
    assert found.lost == ()
    assert [(each.lost, each.instead) for each in found.found.different] == [(lost, logged(instead))]
    assert "appended to since" in found.blockers[0]


def test_a_stream_that_went_on_otherwise_is_for_a_person_to_decide() -> None:
    one, lost, later = event(1, A, 1), event(2, A, 2), event(3, A, 3)
    instead = event(9, A, 2)
    found = compared([one, instead], [one, lost, later])
    assert found.lost == ()
    assert [each.lost for each in found.found.different] == [lost, later]
    assert found.found.different[0].instead == logged(instead)


def test_what_was_skipped_in_kafka_was_appended_since() -> None:
    one, later = event(1, A, 1), event(5, A, 2)
    since = replace(event(3, A, 1), stream_id=_neighbour(A))
    found = compared([one, since, later], [one, later])
    assert found.blockers == ("1 events of the log were skipped in Kafka: it was appended to since",)


@pytest.mark.parametrize(("published_up_to", "skipped"), [(0, 0), (2, 0), (3, 1), (5, 1)])
def test_without_transactions_a_batch_that_failed_was_not_skipped(published_up_to: int, skipped: int) -> None:
    """A later one may be there. Only what was said to be published must be."""
    one, later = event(1, A, 1), event(5, A, 2)
    failed = replace(event(3, A, 1), stream_id=_neighbour(A))
    found = compared([one, failed, later], [one, later], published_up_to=published_up_to)
    assert (found.found.unpublished, found.found.skipped, len(found.blockers)) == (1, skipped, skipped)


def test_a_cluster_that_has_nothing_in_common_is_for_a_person_to_decide() -> None:
    assert "emptied, or it is another cluster" in compared([event(1, A, 1)], []).blockers[0]
    assert compared([], [], whole_up_to=0).blockers == ()


def test_a_log_of_which_nothing_is_known_to_be_published_is_decided_too() -> None:
    """A restore to before the relay's first record, beside a Kafka that was emptied as well."""
    log = [event(1, A, 1), event(2, B, 1)]
    (blocker,) = compared(log, [], whole_up_to=0).blockers
    assert "Kafka holds no event, and the log 2" in blocker
    assert compared(log, [], whole_up_to=0, may_be_empty=True).blockers == ()
    assert compared(log, log[:1], whole_up_to=0).blockers == ()
    assert compared([], log, whole_up_to=0).blockers == ()


def test_a_log_that_lacks_what_it_should_have_is_for_a_person_to_decide() -> None:
    one, two, three = event(1, A, 1), event(2, B, 1), event(3, A, 2)
    found = compared([one], [one, two, three], whole_up_to=2)
    assert found.blockers == ("the log lacks events before position 2, up to which it should be whole",)


def test_consumers_go_back_only_where_the_log_went_on_otherwise() -> None:
    one, two, three = event(1, A, 1), event(2, B, 1), event(3, A, 2)
    emptied = compared([one, two], [])
    assert (len(emptied.blockers), emptied.found.went_on_otherwise) == (1, False)
    for log, kafka, whole_up_to in (
        ([one, replace(two, event_id=EventId(uuid.uuid4()))], [one, two], 1),
        ([one], [one, two, three], 2),
        ([one, replace(event(2, A, 1), stream_id=_neighbour(A)), three], [one, three], 1),
    ):
        found = compared(log, kafka, whole_up_to=whole_up_to)
        assert (len(found.blockers), found.found.went_on_otherwise) == (1, True)


def test_a_broker_that_keeps_nothing_says_nothing_after_a_mere_start() -> None:
    log = [event(1, A, 1), event(2, B, 1)]
    found = compared(log, [], may_be_empty=True)
    assert (found.lost, found.blockers) == ((), ())


def _neighbour(stream: uuid.UUID) -> uuid.UUID:
    """Return another stream of the same partition."""
    partition = partition_of(stream, PARTITIONS)
    return next(
        other
        for number in range(100, 999)
        if partition_of(other := uuid.UUID(int=number, version=4), PARTITIONS) == partition
    )


def test_new_positions_begin_above_what_was_announced() -> None:
    found = Comparison(whole_up_to=1, partitions=PARTITIONS, highest_position=100_001)
    kafka = event(2, A, 1)
    found.add(Part((kafka,), 2, {}), [], {})
    assert found.highest_position == 100_001


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_it_comes_to_the_same_in_parts_of_any_size(size: int) -> None:
    log = [event(1, A, 1), event(2, B, 1), event(5, C, 1)]
    one, two, _ = log
    instead = replace(event(6, C, 2), event_id=EventId(uuid.UUID(int=77)))
    kafka = [one, two, event(3, A, 2), event(4, A, 3), event(6, C, 2), event(8, C, 3), event(9, B, 2)]
    whole, parts = compared([*log, instead], kafka), compared([*log, instead], kafka, size=size)
    assert parts.lost == whole.lost
    assert [each.position for each in parts.lost] == [3, 4, 9]
    assert parts.found == whole.found
    assert parts.blockers == whole.blockers
    assert len(parts.blockers) == 2

"""Which events of a partition somebody has not taken is counted from the newest of the log."""

from collections.abc import Iterable
from itertools import count
from uuid import UUID

import pytest

from event_store.system.lags import Checkpoint, Lag, NewestEvents, PartitionsDiffer, StreamEvents, lags
from schemas.topics import partition_of

PARTITIONS = 4
TOPIC = "paystream.payment"
READER = "projection:payments"


def a_stream(partition: int, *positions: int, category: str = "payment") -> StreamEvents:
    """Return a stream of the partition that has events at these positions."""
    ids = (UUID(int=number) for number in count(1))
    found = next(each for each in ids if partition_of(each, PARTITIONS) == partition)
    return StreamEvents(category, found, positions)


def newest(*streams: StreamEvents, begins: int = 0, refused: Iterable[int] = ()) -> NewestEvents:
    return NewestEvents(streams=streams, begins=begins, refused=frozenset(refused))


def at(partition: int, position: int, *, consumer: str = READER, topic: str = TOPIC) -> Checkpoint:
    return Checkpoint(consumer, topic, partition, position)


def found(events: NewestEvents, *checkpoints: Checkpoint) -> list[tuple[str, int, int, bool, int | None]]:
    """Return consumer, partition, events, whether they are all, and the oldest, of each that lacks some."""
    return [
        (each.consumer, each.partition, each.events, each.is_complete, each.oldest)
        for each in lags(events, checkpoints, partitions=PARTITIONS)
    ]


def test_events_behind_the_checkpoint_of_their_partition_are_lacking() -> None:
    events = newest(a_stream(0, 1, 4, 7), a_stream(1, 2, 3), a_stream(2, 5))
    assert lags(events, [at(0, 4), at(1, 2), at(2, 5)], partitions=PARTITIONS) == [
        Lag(consumer=READER, topic=TOPIC, partition=0, events=1, is_complete=True, oldest=7),
        Lag(consumer=READER, topic=TOPIC, partition=1, events=1, is_complete=True, oldest=3),
    ]


def test_gaps_of_positions_and_events_of_other_topics_are_not_lacking() -> None:
    events = newest(a_stream(0, 1, 900), a_stream(0, 500, 901, category="stripe-event"))
    assert found(events, at(0, 1)) == [(READER, 0, 1, True, 900)]


def test_each_reader_is_counted_by_its_own_checkpoint() -> None:
    events = newest(a_stream(0, 1, 2, 3))
    assert found(events, at(0, 3), at(0, 1, consumer="sagas")) == [("sagas", 0, 2, True, 2)]


def test_a_partition_of_which_nothing_was_taken_yet_is_counted() -> None:
    events = newest(a_stream(0, 1), a_stream(3, 2, 5))
    assert found(events, at(0, 1)) == [(READER, 3, 2, True, 2)]


def test_an_event_that_kafka_refused_is_nobodys_to_take() -> None:
    events = newest(a_stream(0, 1, 2, 3), refused=[2])
    assert found(events, at(0, 1)) == [(READER, 0, 1, True, 3)]


def test_who_stands_before_the_newest_events_may_lack_more_than_is_counted() -> None:
    events = newest(a_stream(0, 101, 102), a_stream(1, 103, 104), begins=101)
    assert found(events, at(0, 40), at(1, 103)) == [(READER, 0, 2, False, None), (READER, 1, 1, True, 104)]


def test_a_quiet_partition_is_no_lag() -> None:
    events = newest(a_stream(0, 101, 102), begins=101)
    assert found(events, at(0, 102), at(1, 7)) == []


def test_in_a_quiet_partition_who_is_behind_another_reader_lacks_events() -> None:
    events = newest(a_stream(0, 101, 102), begins=101)
    checkpoints = at(0, 102), at(1, 7), at(1, 9, consumer="sagas")
    assert found(events, *checkpoints, at(0, 102, consumer="sagas")) == [(READER, 1, 0, False, None)]


@pytest.mark.parametrize("wrong", [at(4, 1), at(1, 7)])
def test_with_other_partitions_than_the_topics_have_nothing_is_said(wrong: Checkpoint) -> None:
    with pytest.raises(PartitionsDiffer):
        lags(newest(a_stream(0, 1, 7)), [at(0, 1), wrong], partitions=PARTITIONS)


def test_an_empty_log_has_no_lag() -> None:
    assert found(newest(), at(0, 0)) == []
    assert found(newest()) == []

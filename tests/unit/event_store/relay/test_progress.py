"""Where a relay goes on: from its own record, another layout's, or the start where a topic lost its content."""

from dataclasses import replace
from uuid import UUID

import orjson
import pytest

from domain.ids import EventId, LogId
from event_store.relay.progress import Lost, Place, Published, RelayProgress, last_published, resume
from event_store.relay.progress_topic import require_own_log
from event_store.relay.shard import Shard
from infra.kafka.consumer.own_log import ForeignCluster

ONE = Shard(index=0, count=1)
EVEN, ODD = Shard(index=0, count=2), Shard(index=1, count=2)
P0, P1 = Place("paystream.payment", 0), Place("paystream.payment", 1)


def progress(shard: Shard, position: int, **published: tuple[int, int]) -> RelayProgress:
    places = {"p0": P0, "p1": P1}
    return RelayProgress(
        shard=shard,
        position=position,
        published={places[name]: Published(*each) for name, each in published.items()},
    )


def resumed(shard: Shard, *records: RelayProgress, missing: Place | None = None) -> tuple[int, dict[Place, Published]]:
    places = [place for place in (P0, P1) if shard.owns(place.partition)]
    found = resume(records, shard=shard, places=places, held={P0, P1} - {missing}, end_offsets={P0: 100, P1: 100})
    return found.progress.position, dict(found.progress.published)


@pytest.mark.parametrize(
    "record",
    [
        progress(ODD, 17, p1=(16, 3)),
        RelayProgress(
            shard=ODD,
            position=17,
            published={P1: Published(16, 3, EventId(UUID(int=5)))},
            log_id=LogId(UUID(int=9)),
            epoch=2,
        ),
    ],
    ids=["of an older version", "of a log"],
)
def test_a_record_survives_its_encoding(record: RelayProgress) -> None:
    assert RelayProgress.decode(record.encode()) == record


def test_a_version_that_knows_of_no_logs_reads_a_record() -> None:
    """It asks for a pair for each place, and for nothing else: a version may be rolled back."""
    written = RelayProgress(
        shard=ODD,
        position=17,
        published={P1: Published(16, 3, EventId(UUID(int=5)))},
        log_id=LogId(UUID(int=9)),
        epoch=2,
    )
    assert orjson.loads(written.encode())["published"] == {"paystream.payment/1": [16, 3]}


def test_a_record_of_another_log_is_refused() -> None:
    ours, theirs = UUID(int=1), UUID(int=2)
    require_own_log([progress(ONE, 20), replace(progress(ODD, 30), log_id=LogId(ours))], LogId(ours))
    with pytest.raises(ForeignCluster, match=str(theirs)):
        require_own_log([progress(ONE, 20), replace(progress(ODD, 30), log_id=LogId(theirs))], LogId(ours))


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"shard":"2/1","position":1,"published":{}}', b"\xff"])
def test_what_is_no_record_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"progress|shard"):
        RelayProgress.decode(value)


def test_without_records_publishing_starts_at_the_beginning() -> None:
    assert resumed(ONE) == (0, {})


def test_it_goes_on_where_the_shard_stopped() -> None:
    assert resumed(ONE, progress(ONE, 20, p0=(18, 5), p1=(20, 7))) == (20, {P0: Published(18, 5), P1: Published(20, 7)})


def test_only_a_partition_that_lost_its_content_is_published_again() -> None:
    found = resumed(ONE, progress(ONE, 20, p0=(18, 5), p1=(20, 7)), missing=P0)
    assert found == (0, {P1: Published(20, 7)})


def test_an_end_beyond_the_last_offset_proves_nothing() -> None:
    """What aborted transactions left behind counts towards the end."""
    assert resumed(ONE, progress(ONE, 70, p0=(70, 12)), missing=P0) == (0, {})


def test_what_has_to_be_looked_for_is_the_last_event_of_each_partition() -> None:
    records = [progress(ONE, 30, p0=(18, 5), p1=(29, 7)), progress(ODD, 10, p1=(9, 3))]
    assert last_published(records, [P0, P1]) == {P0: Published(18, 5), P1: Published(9, 3)}
    assert last_published([progress(ONE, 30)], [P0, P1]) == {}


def test_the_first_record_after_a_loss_is_no_higher_than_old_offset_or_end() -> None:
    assert Lost(Published(70, 12), 0).highest_first == 12
    assert Lost(Published(70, 12), 41).highest_first == 41


def test_one_relay_takes_over_from_two() -> None:
    found = resumed(ONE, progress(EVEN, 20, p0=(18, 5)), progress(ODD, 30, p1=(29, 7)))
    assert found == (20, {P0: Published(18, 5), P1: Published(29, 7)})


def test_two_relays_take_over_from_one_and_the_newest_record_counts() -> None:
    old = progress(ONE, 10, p0=(9, 1), p1=(10, 1))
    assert resumed(EVEN, old) == (10, {P0: Published(9, 1)})
    assert resumed(ODD, old, progress(ODD, 30, p1=(29, 7))) == (30, {P1: Published(29, 7)})


def test_the_newest_record_counts_even_when_it_is_behind() -> None:
    """A topic that was made anew is filled from the start: the further record is of the one that is gone."""
    assert resumed(ODD, progress(ONE, 30, p1=(29, 7)), progress(ODD, 10, p1=(9, 3))) == (10, {P1: Published(9, 3)})


def test_it_tells_what_was_lost_and_what_no_record_knows() -> None:
    records = [progress(EVEN, 20, p0=(18, 5))]
    found = resume(records, shard=ONE, places=[P0, P1], held=(), end_offsets={P0: 4, P1: 3})
    assert found.lost == {P0: (Published(18, 5), 4)}
    assert found.unrecorded == {P1}


def test_shards_of_different_layouts_overlap_where_they_share_a_partition() -> None:
    assert ONE.overlaps(ODD, 12)
    assert ODD.overlaps(Shard(index=1, count=4), 12)
    assert not ODD.overlaps(Shard(index=2, count=4), 12)
    assert not EVEN.overlaps(ODD, 12)
    assert not Shard(index=5, count=8).overlaps(ONE, 4)


@pytest.mark.parametrize("text", ["", "1", "1/1", "2/1", "-1/2", "a/b", "0/0", "0/1/2"])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="shard"):
        Shard.parse(text)


def test_every_partition_belongs_to_one_shard() -> None:
    shards = [Shard(index=index, count=5) for index in range(5)]
    assert all(sum(shard.owns(partition) for shard in shards) == 1 for partition in range(12))

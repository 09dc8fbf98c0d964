"""A topic for a new category, on a relay whose progress knows only the others."""

from event_store.relay.progress import Place, Published, RelayProgress, resume
from event_store.relay.shard import Shard

SHARD = Shard(index=0, count=1)
OLD, NEW = Place("paystream.payment", 0), Place("paystream.stripe-event", 0)


def test_publishing_goes_on_where_it_was_and_the_new_topic_begins_empty() -> None:
    before = RelayProgress(shard=SHARD, position=70, published={OLD: Published(70, 12)})
    found = resume([before], shard=SHARD, places=[OLD, NEW], held=[OLD], end_offsets={OLD: 13, NEW: 0})
    assert found.progress.position == 70
    assert found.progress.published == {OLD: Published(70, 12)}
    assert not found.lost
    assert not found.unrecorded


def test_a_topic_that_was_deleted_is_filled_again_alone() -> None:
    both = {OLD: Published(70, 12), NEW: Published(66, 3)}
    before = RelayProgress(shard=SHARD, position=70, published=both)
    found = resume([before], shard=SHARD, places=[OLD, NEW], held=[OLD], end_offsets={OLD: 13, NEW: 0})
    assert found.progress.position == 0
    assert found.progress.published == {OLD: Published(70, 12)}
    assert set(found.lost) == {NEW}

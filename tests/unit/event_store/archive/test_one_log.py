"""A part of the log that is in a file, with what the database still has of it."""

from hypothesis import given
from hypothesis import strategies as st

from event_store.archive.one_log import event_of, overlaid
from event_store.archive.policy import LEAVES
from event_store.proofs.statement import EventRow
from projections.registry import PROJECTIONS
from schemas.topics import categories_of, consumers_of, topic_of

LEFT, KEPT = "stripe-event", "payment"


def row(position: int, category: str, version: int = 1) -> EventRow:
    moment = "2026-05-01T12:03:00.000001Z"
    metadata = '{"correlation_id": "c", "actor": "a", "merchant_id": "m"}'
    ids = f"00000000-0000-0000-0000-{position:012}", f"00000000-0000-0000-0001-{position:012}"
    return (position, *ids, version, category, "t.happened", 1, moment, '{"x": 1.10}', metadata)


rows = st.lists(st.tuples(st.integers(1, 40), st.sampled_from([LEFT, KEPT])), unique_by=lambda each: each[0]).map(
    lambda found: [row(*each) for each in sorted(found)]
)


@given(rows)
def test_what_left_and_what_stayed_are_what_there_was(archived: list[EventRow]) -> None:
    here = [each for each in archived if each[4] == KEPT]
    assert overlaid(archived, here, {LEFT}) == (archived, [])


@given(rows, st.data())
def test_what_is_gone_from_the_log_is_not_made_up(archived: list[EventRow], data: st.DataObject) -> None:
    kept = [each for each in archived if each[4] == KEPT]
    here = [each for each in kept if data.draw(st.booleans())]
    found, differing = overlaid(archived, here, {LEFT})
    assert found == [each for each in archived if each[4] == LEFT or each in here]
    assert differing == []


@given(rows)
def test_what_the_log_says_otherwise_counts_and_is_told(archived: list[EventRow]) -> None:
    here = [row(each[0], each[4], version=2) for each in archived if each[4] == KEPT]
    found, differing = overlaid(archived, here, {LEFT})
    assert differing == [each[0] for each in here]
    assert [each for each in found if each[4] == KEPT] == here


def test_an_event_of_the_log_that_no_file_has_is_given() -> None:
    one, two = row(1, LEFT), row(2, KEPT)
    assert overlaid([one], [two], {LEFT}) == ([one, two], [])


def test_an_event_keeps_its_text() -> None:
    found = event_of(row(7, LEFT))
    assert (found.position, found.data, found.metadata.actor) == (7, b'{"x": 1.10}', "a")
    assert found.recorded_at.isoformat() == "2026-05-01T12:03:00.000001+00:00"


def test_no_projection_is_made_of_what_may_leave_the_log() -> None:
    """A rebuild and a comparison read the database alone: all that they need must be there."""
    projected = {category for each in PROJECTIONS for category in categories_of(each.topic)}
    assert LEAVES.isdisjoint(projected)


def test_what_may_leave_has_one_consumer_that_reads_it_from_kafka() -> None:
    assert {topic_of(each): consumers_of(topic_of(each)) for each in LEAVES} == {
        "paystream.stripe-event": ("stripe-webhooks",)
    }

"""Which delivered messages are applied: every event once and in order, whatever the broker does."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from infra.kafka.consumer.selection import Gap, select_new


@dataclass(frozen=True, kw_only=True)
class Message:
    position: int
    previous_position: int
    stream: str = "s"


def log(*positions: int) -> list[Message]:
    """Return one partition's messages with these positions."""
    before = [0, *positions]
    return [
        Message(position=position, previous_position=previous)
        for position, previous in zip(positions, before, strict=False)
    ]


def test_new_messages_are_applied_and_move_the_checkpoint() -> None:
    messages = log(3, 7, 9)
    chosen = select_new(messages, 0)
    assert list(chosen.fresh) == messages
    assert (chosen.checkpoint, chosen.dropped, chosen.gap) == (9, 0, None)


def test_what_the_checkpoint_has_passed_is_dropped() -> None:
    messages = log(3, 7, 9)
    chosen = select_new(messages, 7)
    assert list(chosen.fresh) == messages[2:]
    assert (chosen.checkpoint, chosen.dropped) == (9, 2)


def test_messages_after_missing_ones_are_left_alone() -> None:
    messages = log(3, 7, 9, 12)
    chosen = select_new([messages[0], *messages[2:]], 0)
    assert list(chosen.fresh) == messages[:1]
    assert (chosen.checkpoint, chosen.dropped) == (3, 0)
    assert chosen.gap == Gap(checkpoint=3, previous_position=7, position=9)


def test_missing_messages_that_come_later_in_the_batch_close_the_gap() -> None:
    messages = log(3, 7, 9)
    chosen = select_new([messages[0], messages[2], messages[1], messages[2]], 0)
    assert list(chosen.fresh) == messages
    assert chosen.gap is None


def test_a_message_that_was_passed_over_is_still_missing() -> None:
    messages = log(3, 7, 9)
    chosen = select_new([messages[0], messages[2], messages[1]], 0)
    assert chosen.checkpoint == 7
    assert chosen.gap == Gap(checkpoint=7, previous_position=7, position=9)


def test_a_checkpoint_with_nothing_lost_may_stand_between_positions() -> None:
    """Another partition's events lie between: the checkpoint need not equal the predecessor."""
    chosen = select_new([Message(position=9, previous_position=7)], 8)
    assert chosen.checkpoint == 9


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Message], list[list[Message]]]:
    """Return a partition and batches in which anything may be repeated, cut off or left out."""
    positions = sorted(draw(st.sets(st.integers(1, 1000), min_size=1, max_size=30)))
    messages = log(*positions)
    batches = draw(st.lists(st.lists(st.sampled_from(messages), max_size=20), max_size=20))
    return messages, batches


@given(deliveries())
def test_whatever_is_delivered_only_the_next_events_are_applied_in_order(
    case: tuple[list[Message], list[list[Message]]],
) -> None:
    messages, batches = case
    checkpoint, applied = 0, list[Message]()
    for batch in batches:
        chosen = select_new(batch, checkpoint)
        applied += chosen.fresh
        checkpoint = chosen.checkpoint
        left = [message for message in batch if message.position > checkpoint]
        assert (chosen.gap is not None) == bool(left)
    assert applied == messages[: len(applied)]
    assert checkpoint == (applied[-1].position if applied else 0)
    applied += select_new(messages, checkpoint).fresh
    assert applied == messages

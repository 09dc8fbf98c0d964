"""Which messages of a batch are new, by their positions: those behind a checkpoint that lack none before them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Delivered(Protocol):
    """What the runtime must know of a decoded message (`schemas.cloudevents.Delivered` is one)."""

    @property
    def position(self) -> int:
        """The event's position in the log; rises within a partition, but for republished events."""
        ...

    @property
    def previous_position(self) -> int:
        """The position of the event before it in the same partition, 0 for the first."""
        ...

    @property
    def stream(self) -> str | None:
        """What keeps its order: after an event that could not be applied, later ones of its stream wait."""
        ...


D = TypeVar("D", bound=Delivered)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Events between `checkpoint` and `previous_position` were never delivered: the broker lost them."""

    checkpoint: int
    previous_position: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection(Generic[D]):
    """The records of a batch that have to be applied. `checkpoint` is where the consumer stands after `fresh`.

    `held` are new too, and are not applied: see `Holds`.
    """

    fresh: tuple[D, ...]
    held: tuple[D, ...] = ()
    checkpoint: int
    dropped: int
    gap: Gap | None

    @property
    def dealt_with(self) -> int:
        """How many of the batch are done."""
        return len(self.fresh) + len(self.held) + self.dropped


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """The result of a committed batch: how many were applied, held as dead letters, and dropped as seen.

    With a gap, not all the rest. `look_at_dead_letters`: the next batch may meet some. Where that is not looked
    after (`Checkpointed`), nothing was done.
    """

    applied: int
    dropped: int
    checkpoint: int
    held: int = 0
    gap: Gap | None = None
    look_at_dead_letters: bool = False


class Holds(Protocol):
    """What dead letters mean for new messages."""

    def bridges(self, previous_position: int, checkpoint: int) -> bool:
        """Whether every event after the checkpoint, up to this position, is a dead letter: none is missing."""
        ...

    def hold(self, message: Delivered) -> bool:
        """Whether this message, new and the next in turn, must not be applied now."""
        ...


class _NoHolds:
    def bridges(self, previous_position: int, checkpoint: int) -> bool:  # noqa: ARG002 - as Holds has it
        return False

    def hold(self, message: Delivered) -> bool:  # noqa: ARG002
        return False


def select_new(messages: Sequence[D], checkpoint: int, holds: Holds | None = None) -> Selection[D]:
    """Choose the messages to apply, in order: those with `previous_position <= checkpoint < position`.

    Each moves the checkpoint. What is at or below it is dropped as seen. What comes after missing events is
    left alone; the first such message is the gap, unless the missing ones and then it came again later in
    the batch. A message that is held does not move the checkpoint: the next one, which names it as its
    predecessor, does. So a foreign record with an invented position can never hide real events.
    """
    holds = holds or _NoHolds()
    fresh: list[D] = []
    held: dict[int, D] = {}
    after_gap: list[D] = []
    seen = 0
    for message in messages:
        previous = message.previous_position
        if message.position <= checkpoint:
            seen += 1
        elif previous > checkpoint and not holds.bridges(previous, checkpoint):
            after_gap.append(message)
        elif message.position in held or holds.hold(message):
            seen += message.position in held
            held[message.position] = message
        else:
            fresh.append(message)
            checkpoint = message.position
    left = (message for message in after_gap if message.position > checkpoint and message.position not in held)
    missed = next(left, None)
    return Selection(
        fresh=tuple(fresh),
        held=tuple(held.values()),
        checkpoint=checkpoint,
        dropped=seen,
        gap=None if missed is None else _gap(missed, checkpoint),
    )


def _gap(message: Delivered, checkpoint: int) -> Gap:
    return Gap(checkpoint=checkpoint, previous_position=message.previous_position, position=message.position)


def summary(selections: Mapping[str, Selection[D]]) -> Applied:
    """Answer for the checkpoint that got least far: what it lacks has to be delivered again."""
    last = min(selections.values(), key=lambda chosen: (chosen.dealt_with, chosen.dropped))
    return Applied(
        applied=len(last.fresh),
        dropped=last.dropped,
        checkpoint=last.checkpoint,
        held=len(last.held),
        gap=last.gap,
    )

"""The life of a discrepancy: opened, explained, resolved, and opened again when it comes back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from domain.reconciliation.errors import DiscrepancyIsResolved, DiscrepancyNotFound
from domain.reconciliation.events import (
    DiscrepancyEvent,
    DiscrepancyExplained,
    DiscrepancyOpened,
    DiscrepancyReopened,
    DiscrepancyResolved,
)
from domain.reconciliation.values import Difference, DiscrepancyStatus

RECONCILIATION = "reconciliation"
"""Who resolves what a run finds gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyState:
    """A discrepancy as it stands. ``who`` and ``why`` are of its last explanation or resolution."""

    discrepancy_id: UUID
    difference: Difference
    status: DiscrepancyStatus
    run_id: UUID
    number: int
    """The run that opened it, or found it again."""
    who: str | None = None
    why: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Observe:
    """A run finds a difference. ``settled`` says, if it is, why nobody has to do anything about it."""

    run_id: UUID
    number: int
    difference: Difference
    settled: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Explain:
    """Say why it is there, and that it may be."""

    who: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolve:
    """Say that it is gone."""

    who: str
    why: str
    run_id: UUID | None = None
    number: int | None = None


DiscrepancyCommand = Observe | Explain | Resolve


def decide_discrepancy(state: DiscrepancyState | None, command: DiscrepancyCommand) -> tuple[DiscrepancyEvent, ...]:
    """Return what a command makes happen. Raises DiscrepancyNotFound or DiscrepancyIsResolved."""
    if isinstance(command, Observe):
        return _observe(state, command)
    if state is None:
        raise DiscrepancyNotFound
    resolved = state.status is DiscrepancyStatus.RESOLVED
    match command:
        case Explain(who=who, why=why):
            if resolved:
                raise DiscrepancyIsResolved(state.discrepancy_id)
            if state.status is DiscrepancyStatus.EXPLAINED and (state.who, state.why) == (who, why):
                return ()
            return (DiscrepancyExplained(discrepancy_id=state.discrepancy_id, who=who, why=why),)
        case Resolve(who=who, why=why):
            if resolved:
                return ()
            return (
                DiscrepancyResolved(
                    discrepancy_id=state.discrepancy_id,
                    who=who,
                    why=why,
                    run_id=command.run_id,
                    number=command.number,
                ),
            )
        case _:
            assert_never(command)


def _observe(state: DiscrepancyState | None, seen: Observe) -> tuple[DiscrepancyEvent, ...]:
    discrepancy_id = seen.difference.discrepancy_id
    found: DiscrepancyEvent
    if state is None:
        found = DiscrepancyOpened(
            discrepancy_id=discrepancy_id, run_id=seen.run_id, number=seen.number, difference=seen.difference
        )
    elif _is_as_known(state, seen):
        if seen.settled is None or state.status is DiscrepancyStatus.RESOLVED:
            return ()
        return (_settled(discrepancy_id, seen, seen.settled),)
    else:
        found = DiscrepancyReopened(
            discrepancy_id=discrepancy_id, run_id=seen.run_id, number=seen.number, difference=seen.difference
        )
    return (found,) if seen.settled is None else (found, _settled(discrepancy_id, seen, seen.settled))


def _is_as_known(state: DiscrepancyState, seen: Observe) -> bool:
    """Whether there is nothing new in it. What was resolved and is there has come back, unless it is settled."""
    if state.status is DiscrepancyStatus.RESOLVED:
        return seen.settled is not None
    # Nothing else says what differs: the day it was found under, and whose payment it is, may be known later.
    now, before = seen.difference, state.difference
    return (now.stripe, now.ledger) == (before.stripe, before.ledger)


def _settled(discrepancy_id: UUID, seen: Observe, why: str) -> DiscrepancyResolved:
    return DiscrepancyResolved(
        discrepancy_id=discrepancy_id, who=RECONCILIATION, why=why, run_id=seen.run_id, number=seen.number
    )


def evolve_discrepancy(state: DiscrepancyState | None, event: DiscrepancyEvent) -> DiscrepancyState:
    """Return the state after an event."""
    if isinstance(event, DiscrepancyOpened | DiscrepancyReopened):
        return DiscrepancyState(
            discrepancy_id=event.discrepancy_id,
            difference=event.difference,
            status=DiscrepancyStatus.OPEN,
            run_id=event.run_id,
            number=event.number,
        )
    assert state is not None, "a discrepancy begins with its opening"
    match event:
        case DiscrepancyExplained():
            return replace(state, status=DiscrepancyStatus.EXPLAINED, who=event.who, why=event.why)
        case DiscrepancyResolved():
            return replace(state, status=DiscrepancyStatus.RESOLVED, who=event.who, why=event.why)
        case _:
            assert_never(event)


def fold_discrepancy(events: Iterable[DiscrepancyEvent]) -> DiscrepancyState | None:
    """Return the state after all events; None without any."""
    state: DiscrepancyState | None = None
    for event in events:
        state = evolve_discrepancy(state, event)
    return state

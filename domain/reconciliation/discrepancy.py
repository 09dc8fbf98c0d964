"""The life of a discrepancy: opened, explained, resolved, and opened again when it comes back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from domain.ids import DiscrepancyId, RunId
from domain.reconciliation.errors import DiscrepancyIsResolved, DiscrepancyNotFound
from domain.reconciliation.events import (
    DiscrepancyAssigned,
    DiscrepancyEvent,
    DiscrepancyExplained,
    DiscrepancyOpened,
    DiscrepancyReopened,
    DiscrepancyResolved,
)
from domain.reconciliation.values import Difference, DiscrepancyStatus

RECONCILIATION = "reconciliation"
"""The actor that resolves what a run no longer finds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyState:
    """A discrepancy as it stands. ``actor`` and ``reason`` are of its last explanation or resolution."""

    discrepancy_id: DiscrepancyId
    difference: Difference
    status: DiscrepancyStatus
    run_id: RunId
    number: int
    """The run that opened it, or found it again."""
    actor: str | None = None
    reason: str | None = None
    assignee: str | None = None
    """Who looks into it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observe:
    """A run finds a difference. ``resolve_reason``: why it is resolved at once, without anybody doing anything."""

    run_id: RunId
    number: int
    difference: Difference
    resolve_reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Explain:
    """Give the reason why it exists and is accepted."""

    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Assign:
    """Say who looks into it; None: nobody."""

    assignee: str | None
    actor: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolve:
    """Say that it no longer exists."""

    actor: str
    reason: str
    run_id: RunId | None = None
    number: int | None = None


DiscrepancyCommand = Observe | Assign | Explain | Resolve


def decide_discrepancy(state: DiscrepancyState | None, command: DiscrepancyCommand) -> tuple[DiscrepancyEvent, ...]:
    """Return what a command makes happen. Raises DiscrepancyNotFound or DiscrepancyIsResolved."""
    if isinstance(command, Observe):
        return _observe(state, command)
    if state is None:
        raise DiscrepancyNotFound
    resolved = state.status is DiscrepancyStatus.RESOLVED
    match command:
        case Assign(assignee=assignee):
            return _assign(state, command) if state.assignee != assignee else ()
        case Explain(actor=actor, reason=reason):
            if resolved:
                raise DiscrepancyIsResolved(state.discrepancy_id)
            if state.status is DiscrepancyStatus.EXPLAINED and (state.actor, state.reason) == (actor, reason):
                return ()
            return (DiscrepancyExplained(discrepancy_id=state.discrepancy_id, actor=actor, reason=reason),)
        case Resolve(actor=actor, reason=reason):
            if resolved:
                return ()
            return (
                DiscrepancyResolved(
                    discrepancy_id=state.discrepancy_id,
                    actor=actor,
                    reason=reason,
                    run_id=command.run_id,
                    number=command.number,
                ),
            )
        case _:
            assert_never(command)


def _assign(state: DiscrepancyState, command: Assign) -> tuple[DiscrepancyEvent, ...]:
    if state.status is DiscrepancyStatus.RESOLVED:
        raise DiscrepancyIsResolved(state.discrepancy_id)
    return (
        DiscrepancyAssigned(
            discrepancy_id=state.discrepancy_id,
            assignee=command.assignee,
            actor=command.actor,
            reason=command.reason,
        ),
    )


def _observe(state: DiscrepancyState | None, seen: Observe) -> tuple[DiscrepancyEvent, ...]:
    discrepancy_id = seen.difference.discrepancy_id
    found: DiscrepancyEvent
    if state is None:
        found = DiscrepancyOpened(
            discrepancy_id=discrepancy_id, run_id=seen.run_id, number=seen.number, difference=seen.difference
        )
    elif _is_as_known(state, seen):
        if seen.resolve_reason is None or state.status is DiscrepancyStatus.RESOLVED:
            return ()
        return (_resolved_at_once(discrepancy_id, seen, seen.resolve_reason),)
    else:
        found = DiscrepancyReopened(
            discrepancy_id=discrepancy_id, run_id=seen.run_id, number=seen.number, difference=seen.difference
        )
    return (
        (found,)
        if seen.resolve_reason is None
        else (found, _resolved_at_once(discrepancy_id, seen, seen.resolve_reason))
    )


def _is_as_known(state: DiscrepancyState, seen: Observe) -> bool:
    """Whether a run found nothing new. A resolved one has come back when found again, unless it resolves at once."""
    if state.status is DiscrepancyStatus.RESOLVED:
        return seen.resolve_reason is not None
    # Only the entries say what differs: the day and the payment may become known later.
    now, before = seen.difference, state.difference
    return (now.stripe, now.ledger) == (before.stripe, before.ledger)


def _resolved_at_once(discrepancy_id: DiscrepancyId, seen: Observe, reason: str) -> DiscrepancyResolved:
    return DiscrepancyResolved(
        discrepancy_id=discrepancy_id, actor=RECONCILIATION, reason=reason, run_id=seen.run_id, number=seen.number
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
            assignee=None if state is None else state.assignee,
        )
    assert state is not None, "a discrepancy begins with its opening"
    match event:
        case DiscrepancyAssigned():
            return replace(state, assignee=event.assignee)
        case DiscrepancyExplained():
            return replace(state, status=DiscrepancyStatus.EXPLAINED, actor=event.actor, reason=event.reason)
        case DiscrepancyResolved():
            return replace(state, status=DiscrepancyStatus.RESOLVED, actor=event.actor, reason=event.reason)
        case _:
            assert_never(event)


def fold_discrepancy(events: Iterable[DiscrepancyEvent]) -> DiscrepancyState | None:
    """Return the state after all events; None without any."""
    state: DiscrepancyState | None = None
    for event in events:
        state = evolve_discrepancy(state, event)
    return state

"""The runs of one day: a stream for each day, so that two requests at one instant are one run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import assert_never
from uuid import UUID, uuid5

from domain.ids import RunId
from domain.reconciliation.errors import RunNotUnderWay
from domain.reconciliation.events import (
    ReconciliationCompleted,
    ReconciliationFailed,
    ReconciliationRequested,
    ReconciliationStarted,
    RunEvent,
)
from domain.reconciliation.values import CurrencyTotals

_RUNS = UUID("7c9c52d4-0e57-5b0a-8a0e-6a1f2d9e4b33")


class RunStatus(StrEnum):
    """Where the newest run of a day stands."""

    REQUESTED = "requested"
    RUNNING = "running"
    RETRYING = "retrying"
    """It failed, and is tried again."""
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunState:
    """The newest run of a day."""

    run_id: RunId
    number: int
    date: date
    time_zone: str
    origin: str
    report: str | None
    status: RunStatus
    attempt: int = 0
    head: int = 0
    completed: ReconciliationCompleted | None = None
    failure: str | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether its result is still to come."""
        return self.status in {RunStatus.REQUESTED, RunStatus.RUNNING, RunStatus.RETRYING}


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRun:
    """Have a day reconciled. While a run of it is under way, that is the one."""

    date: date
    time_zone: str
    origin: str
    actor: str
    report: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StartRun:
    """Begin run ``number``; one that was cut short goes on as what it is."""

    number: int
    head: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteRun:
    """End run ``number`` with its result."""

    number: int
    totals: tuple[CurrencyTotals, ...]
    found: Mapping[str, int] = field(default_factory=dict)
    opened: int = 0
    resolved: int = 0
    backfilled: int = 0
    payouts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FailRun:
    """End an attempt at run ``number`` without a result."""

    number: int
    reason: str
    final: bool


RunCommand = RequestRun | StartRun | CompleteRun | FailRun


def run_id_of(day: date, time_zone: str, report: str | None = None) -> RunId:
    """Return the id of a day's runs; a report has runs of its own, as it is another statement."""
    return RunId(uuid5(_RUNS, f"{day.isoformat()} {time_zone}" + ("" if report is None else f" {report}")))


def decide_run(state: RunState | None, command: RunCommand) -> tuple[RunEvent, ...]:
    """Return what a command makes happen. Raises RunNotUnderWay."""
    if isinstance(command, RequestRun):
        return _request(state, command)
    if state is None or state.number != command.number:
        raise RunNotUnderWay(run_id=state.run_id if state else RunId(UUID(int=0)), number=command.number)
    if isinstance(command, CompleteRun) and state.status is RunStatus.COMPLETED:
        return ()
    if not state.is_under_way:
        raise RunNotUnderWay(run_id=state.run_id, number=command.number)
    match command:
        case StartRun(head=head):
            if state.status is RunStatus.RUNNING:
                return ()
            return (
                ReconciliationStarted(run_id=state.run_id, number=state.number, attempt=state.attempt + 1, head=head),
            )
        case CompleteRun():
            return (
                ReconciliationCompleted(
                    run_id=state.run_id,
                    number=state.number,
                    date=state.date,
                    totals=command.totals,
                    found=dict(command.found),
                    opened=command.opened,
                    resolved=command.resolved,
                    backfilled=command.backfilled,
                    payouts=command.payouts,
                ),
            )
        case FailRun(reason=reason, final=final):
            return (
                ReconciliationFailed(
                    run_id=state.run_id, number=state.number, attempt=state.attempt, reason=reason, final=final
                ),
            )
        case _:
            assert_never(command)


def _request(state: RunState | None, command: RequestRun) -> tuple[RunEvent, ...]:
    if state is not None and state.is_under_way:
        return ()
    return (
        ReconciliationRequested(
            run_id=run_id_of(command.date, command.time_zone, command.report),
            number=1 if state is None else state.number + 1,
            date=command.date,
            time_zone=command.time_zone,
            origin=command.origin,
            actor=command.actor,
            report=command.report,
        ),
    )


def evolve_run(state: RunState | None, event: RunEvent) -> RunState:
    """Return the state after an event."""
    if isinstance(event, ReconciliationRequested):
        return RunState(
            run_id=event.run_id,
            number=event.number,
            date=event.date,
            time_zone=event.time_zone,
            origin=event.origin,
            report=event.report,
            status=RunStatus.REQUESTED,
        )
    assert state is not None, "a run begins with its request"
    match event:
        case ReconciliationStarted():
            return replace(state, status=RunStatus.RUNNING, attempt=event.attempt, head=event.head)
        case ReconciliationCompleted():
            return replace(state, status=RunStatus.COMPLETED, completed=event)
        case ReconciliationFailed():
            status = RunStatus.FAILED if event.final else RunStatus.RETRYING
            return replace(state, status=status, failure=event.reason)
        case _:
            assert_never(event)


def fold_run(events: Iterable[RunEvent]) -> RunState | None:
    """Return the state after all events; None without any."""
    state: RunState | None = None
    for event in events:
        state = evolve_run(state, event)
    return state

"""Runs and discrepancies as their events tell them: load, decide, and the append that follows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast
from uuid import UUID

from domain.reconciliation.discrepancy import (
    DiscrepancyCommand,
    DiscrepancyState,
    decide_discrepancy,
    evolve_discrepancy,
    fold_discrepancy,
)
from domain.reconciliation.events import DiscrepancyEvent, ReconciliationEvent, RunEvent
from domain.reconciliation.run import RunCommand, RunState, decide_run, evolve_run, fold_run
from event_store.appends import Append, Appended
from event_store.store import Connection, append, load_many
from infra.ids import uuid7
from schemas.envelope import NO_MERCHANT, EventMetadata, RecordedEvent
from schemas.events import RECONCILIATION_CODEC
from schemas.events.reconciliation_events import CATEGORY

_ROUNDS = 10

State = TypeVar("State")
Command = TypeVar("Command")
Event = TypeVar("Event", RunEvent, DiscrepancyEvent)


class StillConflicting(Exception):
    """A stream changed under us in every round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided(Generic[State]):
    """What a command came to. `events` is empty when there was nothing to be done."""

    state: State | None
    events: tuple[ReconciliationEvent, ...]
    version: int
    position: int
    """Of the last event of the stream; both are 0 for none."""


def metadata(*, correlation_id: str, actor: str, request_id: str | None = None) -> EventMetadata:
    """Return what surrounds an event of reconciliation."""
    return EventMetadata(correlation_id=correlation_id, actor=actor, merchant_id=NO_MERCHANT, request_id=request_id)


async def load_run(connection: Connection, run_id: UUID) -> RunState | None:
    """Return the newest run of a day. Raises schemas.errors.SchemaError when an event cannot be read."""
    events = (await load_many(connection, [run_id]))[run_id]
    return fold_run(_run_events(events))


async def command_run(
    connection: Connection, run_id: UUID, command: RunCommand, meta: EventMetadata
) -> Decided[RunState]:
    """Decide and append, again when somebody else was faster. Raises DomainError; the caller commits."""
    decided = await _decide_many(
        connection, {run_id: command}, meta, lambda events: fold_run(_run_events(events)), decide_run, evolve_run
    )
    return decided[run_id]


async def command_discrepancies(
    connection: Connection, commands: dict[UUID, DiscrepancyCommand], meta: EventMetadata
) -> dict[UUID, Decided[DiscrepancyState]]:
    """Do so for many discrepancies, in two round trips. Raises DomainError; the caller commits."""
    return await _decide_many(
        connection,
        commands,
        meta,
        lambda events: fold_discrepancy(_discrepancy_events(events)),
        decide_discrepancy,
        evolve_discrepancy,
    )


async def load_discrepancies(
    connection: Connection, discrepancy_ids: Sequence[UUID]
) -> dict[UUID, Decided[DiscrepancyState]]:
    """Return discrepancies as their streams say now."""
    streams = await load_many(connection, discrepancy_ids)
    return {
        each: Decided(
            state=fold_discrepancy(_discrepancy_events(recorded)),
            events=(),
            version=recorded[-1].version,
            position=recorded[-1].position,
        )
        for each, recorded in streams.items()
        if recorded
    }


def _run_events(events: Iterable[RecordedEvent]) -> Iterable[RunEvent]:
    return (cast("RunEvent", RECONCILIATION_CODEC.decode(each)) for each in events)


def _discrepancy_events(events: Iterable[RecordedEvent]) -> Iterable[DiscrepancyEvent]:
    return (cast("DiscrepancyEvent", RECONCILIATION_CODEC.decode(each)) for each in events)


async def _decide_many(  # noqa: PLR0917 - the parts of one aggregate
    connection: Connection,
    commands: dict[UUID, Command],
    meta: EventMetadata,
    fold: Callable[[Sequence[RecordedEvent]], State | None],
    decide: Callable[[State | None, Command], tuple[Event, ...]],
    evolve: Callable[[State | None, Event], State],
) -> dict[UUID, Decided[State]]:
    decided: dict[UUID, Decided[State]] = {}
    left = dict(commands)
    for _ in range(_ROUNDS):
        streams = await load_many(connection, list(left))
        appends: list[Append] = []
        for stream_id, command in left.items():
            recorded = streams[stream_id]
            state = fold(recorded)
            events = decide(state, command)
            for event in events:
                state = evolve(state, event)
            version, position = (recorded[-1].version, recorded[-1].position) if recorded else (0, 0)
            decided[stream_id] = Decided(state=state, events=events, version=version, position=position)
            if events:
                appends.append(
                    Append(
                        stream_id=stream_id,
                        category=CATEGORY,
                        merchant_id=NO_MERCHANT,
                        expected_version=version,
                        events=tuple(
                            RECONCILIATION_CODEC.encode(event, event_id=uuid7(), metadata=meta) for event in events
                        ),
                    )
                )
        results = await append(connection, appends)
        left = {}
        for each, result in zip(appends, results, strict=True):
            if isinstance(result, Appended):
                decided[each.stream_id] = replace(
                    decided[each.stream_id], version=result.version, position=result.position
                )
            else:
                left[each.stream_id] = commands[each.stream_id]
        if not left:
            return decided
    raise StillConflicting

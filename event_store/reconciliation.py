"""Runs and discrepancies, folded from their events, and the commands for them."""

from collections.abc import Mapping, Sequence
from functools import partial

from domain.ids import DiscrepancyId, RunId
from domain.reconciliation.discrepancy import (
    DiscrepancyCommand,
    DiscrepancyState,
    decide_discrepancy,
    evolve_discrepancy,
)
from domain.reconciliation.events import DiscrepancyEvent, RunEvent
from domain.reconciliation.run import RunCommand, RunState, decide_run, evolve_run
from event_store.decide import Decided, StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.store import Connection, load, load_many
from event_store.streams import Aggregate, LoadedStream
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import DISCREPANCY_CODEC, RUN_CODEC

RUN = Aggregate[RunState, RunEvent](codec=RUN_CODEC, evolve=evolve_run)
DISCREPANCY = Aggregate[DiscrepancyState, DiscrepancyEvent](codec=DISCREPANCY_CODEC, evolve=evolve_discrepancy)

DecidedRun = Decided[RunState, RunEvent]
DecidedDiscrepancy = Decided[DiscrepancyState, DiscrepancyEvent]


def metadata(*, correlation_id: str, actor: str, request_id: str | None = None) -> EventMetadata:
    """Return what surrounds an event of reconciliation."""
    return EventMetadata(correlation_id=correlation_id, actor=actor, merchant_id=NO_MERCHANT, request_id=request_id)


async def load_run(connection: Connection, run_id: RunId) -> RunState | None:
    """Return the newest run of a day. Raises schemas.errors.SchemaError when an event cannot be read."""
    return RUN.load(await load(connection, run_id)).state


async def load_discrepancies(
    connection: Connection, discrepancy_ids: Sequence[DiscrepancyId]
) -> dict[DiscrepancyId, LoadedStream[DiscrepancyState]]:
    """Return those discrepancies that exist."""
    streams = await load_many(connection, discrepancy_ids)
    loaded = {DiscrepancyId(each): DISCREPANCY.load(events) for each, events in streams.items()}
    return {each: discrepancy for each, discrepancy in loaded.items() if discrepancy.state is not None}


async def command_run(connection: Connection, run_id: RunId, command: RunCommand, meta: EventMetadata) -> DecidedRun:
    """Decide on a run and append. Raises DomainError or StillConflicting; the caller commits."""

    def decide(run: LoadedStream[RunState]) -> Sequence[RunEvent]:
        return decide_run(run.state, command)

    decided = await decide_and_append(
        ConnectionLog(connection), RUN, [StreamCommand(stream_id=run_id, metadata=meta, decide=decide)]
    )
    return decided[run_id]


async def command_discrepancies(
    connection: Connection, commands: Mapping[DiscrepancyId, DiscrepancyCommand], meta: EventMetadata
) -> dict[DiscrepancyId, DecidedDiscrepancy]:
    """Do so for many discrepancies, in two round trips. Raises DomainError or StillConflicting; the caller commits."""

    def decide(command: DiscrepancyCommand, discrepancy: LoadedStream[DiscrepancyState]) -> Sequence[DiscrepancyEvent]:
        return decide_discrepancy(discrepancy.state, command)

    decided = await decide_and_append(
        ConnectionLog(connection),
        DISCREPANCY,
        [
            StreamCommand(stream_id=discrepancy_id, metadata=meta, decide=partial(decide, command))
            for discrepancy_id, command in commands.items()
        ],
    )
    return {DiscrepancyId(each): discrepancy for each, discrepancy in decided.items()}

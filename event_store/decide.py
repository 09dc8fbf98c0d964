"""From a command to events in the log: load the stream, decide, append, and decide again after a conflict.

Another writer may append to the stream between the load and the append. The log then refuses the append, and the
command is decided anew on the newer state, which may refuse it.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic
from uuid import UUID

from event_store.appends import (
    NO_STREAM,
    Append,
    Appended,
    ForeignStripeId,
    IdempotencyRecord,
    StoredResponse,
    VersionConflict,
)
from event_store.event_log import EventLog
from event_store.streams import Aggregate, Event, LoadedStream, State
from schemas.envelope import EventMetadata


class NotTheMerchants(Exception):
    """A command names an id of Stripe that belongs to another merchant. Nothing was written for it."""


class StillConflicting(Exception):
    """Another writer was faster in every attempt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How often a command is decided, and the longest pause before it is decided again (random, and rising to it)."""

    max_attempts: int = 10
    max_pause_s: float = 0.0

    def pause_s(self, attempt: int) -> float:
        """Return the pause before an attempt; the first is number 0."""
        return random.uniform(0, min(self.max_pause_s, 0.001 * attempt))  # noqa: S311 - not a secret


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamCommand(Generic[State, Event]):
    """A command for one stream. `decide` returns the events to append, and may be called more than once."""

    stream_id: UUID
    metadata: EventMetadata
    decide: Callable[[LoadedStream[State]], Sequence[Event]]
    loaded: LoadedStream[State] | None = None
    """The stream as the caller knows it, which may be out of date; None: it is loaded first."""
    stripe_ids: frozenset[str] = frozenset()
    """Ids of Stripe that it names, which have to be its merchant's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotentCommand(StreamCommand[State, Event]):
    """A command that came with an idempotency key. `record` returns what is stored under it with the events."""

    key: str
    record: Callable[[State], IdempotencyRecord]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided(Generic[State, Event]):
    """What a command came to. `events` is empty when there was nothing to append."""

    before: LoadedStream[State]
    state: State | None
    """After `events`."""
    events: tuple[Event, ...]
    version: int
    position: int
    """Of the last event of the stream; both are 0 when it has none."""
    record: IdempotencyRecord | None = None
    """What is now stored under the command's idempotency key."""


async def decide_and_append(
    log: EventLog, aggregate: Aggregate[State, Event], commands: Sequence[StreamCommand[State, Event]]
) -> dict[UUID, Decided[State, Event]]:
    """Carry out commands for different streams; a conflict of one delays the others and does not fail them.

    Raises StillConflicting or NotTheMerchants; what a `decide` raises passes through.
    """
    results = await _until_no_conflict(log, aggregate, commands, Retries())
    return {stream_id: result for stream_id, result in results.items() if isinstance(result, Decided)}


async def decide_once(
    log: EventLog, aggregate: Aggregate[State, Event], command: IdempotentCommand[State, Event], retries: Retries
) -> Decided[State, Event] | StoredResponse:
    """Carry out a command, or return the response that is stored under its key. Raises as `decide_and_append`."""
    results = await _until_no_conflict(log, aggregate, [command], retries)
    return results[command.stream_id]


async def _until_no_conflict(
    log: EventLog,
    aggregate: Aggregate[State, Event],
    commands: Sequence[StreamCommand[State, Event]],
    retries: Retries,
) -> dict[UUID, Decided[State, Event] | StoredResponse]:
    execution = _Execution(log, aggregate, commands)
    for attempt in range(retries.max_attempts):
        if attempt > 0:
            await asyncio.sleep(retries.pause_s(attempt))
        await execution.load()
        await execution.decide_and_append()
        if not execution.pending:
            return execution.results
    raise StillConflicting


class _Execution(Generic[State, Event]):
    """Commands on their way: those that have a result, and those that are still pending."""

    def __init__(
        self, log: EventLog, aggregate: Aggregate[State, Event], commands: Sequence[StreamCommand[State, Event]]
    ) -> None:
        self._log = log
        self._aggregate = aggregate
        self.pending = {each.stream_id: each for each in commands}
        self.results: dict[UUID, Decided[State, Event] | StoredResponse] = {}
        self._streams = {each.stream_id: each.loaded for each in commands if each.loaded is not None}

    async def load(self) -> None:
        """Load the streams that are not known. A command whose key has a stored response is finished."""
        missing = [each for each in self.pending.values() if each.stream_id not in self._streams]
        without_key = [each.stream_id for each in missing if not isinstance(each, IdempotentCommand)]
        if without_key:
            for stream_id, events in (await self._log.load_many(without_key)).items():
                self._streams[stream_id] = self._aggregate.load(events)
        for each in missing:
            if isinstance(each, IdempotentCommand):
                found = await self._log.load_with_response(each.stream_id, each.metadata.merchant_id, each.key)
                if found.response is None:
                    self._streams[each.stream_id] = self._aggregate.load(found.events)
                else:  # before deciding: a refund that was applied would now be refused
                    self._finish(each, found.response)

    async def decide_and_append(self) -> None:
        """Decide on every pending command and append its events. Those that met a conflict stay pending."""
        decided = [(each, self._decide(each)) for each in self.pending.values()]
        changed = [(each, result) for each, result in decided if result.events]
        for each, unchanged in decided:
            if not unchanged.events:
                self._finish(each, await self._store_response(each, unchanged))
        outcomes = await self._log.append_many([self._append(each, result) for each, result in changed])
        for (each, result), outcome in zip(changed, outcomes, strict=True):
            match outcome:
                case Appended(version=version, position=position):
                    self._finish(each, replace(result, version=version, position=position))
                case StoredResponse():
                    self._finish(each, outcome)
                case ForeignStripeId():
                    raise NotTheMerchants
                case VersionConflict(actual_version=version):
                    # The stream is still empty: a command in the same batch held the key, and failed.
                    if not (result.before.version == version == NO_STREAM):
                        del self._streams[each.stream_id]

    def _decide(self, command: StreamCommand[State, Event]) -> Decided[State, Event]:
        before = self._streams[command.stream_id]
        events = tuple(command.decide(before))
        state = self._aggregate.fold(events, before.state)
        record = None
        if isinstance(command, IdempotentCommand):
            assert state is not None
            record = command.record(state)
        return Decided(
            before=before, state=state, events=events, version=before.version, position=before.position, record=record
        )

    async def _store_response(
        self, command: StreamCommand[State, Event], decided: Decided[State, Event]
    ) -> Decided[State, Event] | StoredResponse:
        """Store the response to a command that has nothing to append."""
        if decided.record is None:
            return decided
        merchant_id = command.metadata.merchant_id
        known = await self._log.store_response(command.stream_id, merchant_id, decided.version, decided.record)
        return known or decided

    def _append(self, command: StreamCommand[State, Event], decided: Decided[State, Event]) -> Append:
        return Append.of(
            self._aggregate.codec,
            decided.events,
            stream_id=command.stream_id,
            expected_version=decided.version,
            metadata=command.metadata,
            idempotency=decided.record,
            stripe_ids=command.stripe_ids,
        )

    def _finish(self, command: StreamCommand[State, Event], result: Decided[State, Event] | StoredResponse) -> None:
        del self.pending[command.stream_id]
        self.results[command.stream_id] = result

"""Makes the steps of sagas that are due: each appends all that it decides in one transaction, with its timer.

A step reads the saga's stream and those of its participants, decides, and appends to all of them at once. If any of
them changed meanwhile nothing is written, and the step is made again. Nothing but the database is asked, so a process
that is killed leaves nothing half-done: its lock is gone, and the saga is still due.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from consumers.saga import metrics
from consumers.saga.definition import SagaDefinition
from consumers.saga.intake import NAME, Sagas
from consumers.saga.store import (
    DueSaga,
    SteppedSaga,
    add_participants,
    lock_due,
    lock_one,
    write_failure,
    write_steps,
)
from domain.saga.status import ENDED, SagaStatus
from domain.saga.step import Step
from event_store.append_signal import AppendSignal
from event_store.appends import Append, Appended
from event_store.privacy.vault import AnyVault, NoVault
from event_store.store import append, load_many
from event_store.streams import LoadedStream
from infra.backoff import Backoff
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Connection, Pool
from schemas.envelope import EventMetadata

log = structlog.get_logger(__name__)

_BATCH = 16
_CONFLICTS = 10
_ON_THEIR_WAY = frozenset({SagaStatus.RUNNING, SagaStatus.COMMITTING})
_NOT_TAKEN_BACK = _ON_THEIR_WAY | {SagaStatus.COMPLETED}
_FAILED = Backoff(first_s=1.0, longest_s=300.0)


class StepConflict(Exception):
    """A stream changed while a step was decided: nothing was written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Decided:
    due: DueSaga
    definition: SagaDefinition  # type: ignore[type-arg]
    appends: Sequence[Append]
    before: SagaStatus
    stepped: SteppedSaga
    participants: Sequence[UUID]


class SagaRunner:
    """Any number of them may run beside each other: a saga is stepped by one at a time."""

    def __init__(self, pool: Pool, sagas: Sagas, *, batch: int = _BATCH, vault: AnyVault | None = None) -> None:
        """`vault` has the keys of the personal data that a saga passes on to its participants."""
        self._vault = vault or NoVault()
        self._pool = pool
        self._sagas = sagas
        self._batch = batch
        self._signal = AppendSignal()

    async def run_due(self) -> int:
        """Step sagas that are due, as many as fit into one transaction; return how many.

        Raises what the database raises while it is away. A saga that cannot be stepped is tried again later.
        """
        due: list[DueSaga] = []
        try:
            async with self._pool.connection() as conn, conn.transaction():
                due = await lock_due(conn, list(self._sagas), limit=self._batch)
                if due:
                    decided = await self._step(conn, due)
        except Exception as error:
            if is_transient(error) or not due:
                raise
            for each in due:
                await self._step_alone(each)
        else:
            if due:
                _report(decided)
        return len(due)

    async def _step_alone(self, due: DueSaga) -> None:
        """Step one in a transaction of its own, and again after a conflict."""
        for _ in range(_CONFLICTS):
            try:
                async with self._pool.connection() as conn, conn.transaction():
                    held = await lock_one(conn, due.saga_id)
                    if held is None:
                        return
                    decided = await self._step(conn, [held])
            except StepConflict:
                metrics.STEPS.labels("conflict").inc()
                continue
            except Exception as error:
                if is_transient(error):
                    raise
                await self._failed(due, error)
                return
            _report(decided)
            return

    async def _failed(self, due: DueSaga, error: Exception) -> None:
        metrics.STEPS.labels("failed").inc()
        log.error("saga_step_failed", saga_id=str(due.saga_id), kind=due.kind, exc_info=error)
        async with self._pool.connection() as conn:
            delay_s = _FAILED.pause_s(due.failures + 1)
            await write_failure(conn, due.saga_id, error=f"{type(error).__name__}: {error}", delay_s=delay_s)

    async def _step(self, conn: Connection, due: Sequence[DueSaga]) -> list[_Decided]:
        """Decide on all of them and append. Raises StepConflict, and what a definition raises."""
        streams = await load_many(conn, [each.saga_id for each in due])
        clear = {saga_id: await self._vault.decrypt(events) for saga_id, events in streams.items()}
        sagas = {each.saga_id: self._sagas[each.kind].saga.load(clear[each.saga_id]) for each in due}
        concerned = {
            each.saga_id: list(self._sagas[each.kind].participants_of(sagas[each.saga_id].state))
            for each in due
            if sagas[each.saga_id].state is not None
        }
        participant_ids = [stream_id for streams_of in concerned.values() for stream_id in streams_of]
        if max(Counter(participant_ids).values(), default=0) > 1 and len(due) > 1:
            raise StepConflict  # two sagas of one participant: one after the other
        loaded = await load_many(conn, participant_ids) if participant_ids else {}
        decided = []
        for each in due:
            definition = self._sagas[each.kind]
            participants = {
                stream_id: definition.participant.load(loaded[stream_id])
                for stream_id in concerned.get(each.saga_id, ())
            }
            decided.append(_decide(definition, each, sagas[each.saga_id], participants))
        appends = [each for one in decided for each in one.appends]
        results = await append(conn, appends)
        if not all(isinstance(result, Appended) for result in results):
            raise StepConflict
        new = {each.due.saga_id: each.participants for each in decided if each.participants}
        if new:
            await add_participants(conn, new)
        await write_steps(conn, [each.stepped for each in decided])
        if appends:
            await self._signal.send(conn)
        return decided


def _decide(
    definition: SagaDefinition[Any, Any, Any, Any],
    due: DueSaga,
    saga: LoadedStream[Any],
    participants: dict[UUID, LoadedStream[Any]],
) -> _Decided:
    if saga.state is None:  # the log lost it, and it is not written back yet
        raise LookupError(f"the log has no saga {due.saga_id}")
    states = {stream_id: each.state for stream_id, each in participants.items()}
    outcome: Step[Any, Any] = definition.step(saga.state, states, due.now)
    after = definition.saga.fold(outcome.events, saga.state)
    assert after is not None
    metadata = EventMetadata(
        correlation_id=due.correlation_id,
        causation_id=_newest(saga, *participants.values()),
        actor=NAME,
        merchant_id=due.merchant_id,
        traceparent=due.traceparent,
    )
    appends = [
        Append.of(
            definition.participant.codec,
            events,
            stream_id=stream_id,
            expected_version=participants[stream_id].version,
            metadata=metadata,
        )
        for stream_id, events in outcome.participants.items()
        if events
    ]
    if outcome.events:
        appends.append(
            Append.of(
                definition.saga.codec,
                outcome.events,
                stream_id=due.saga_id,
                expected_version=saga.version,
                metadata=metadata,
            )
        )
    members = definition.participants_of(after)
    joining = members if len(members) != due.participants else ()
    stepped = SteppedSaga(
        saga_id=due.saga_id,
        status=definition.status_of(after),
        due_at=due.now if _may_be_missed(joining, outcome) else outcome.due_at,
        participants=len(members),
    )
    return _Decided(
        due=due,
        definition=definition,
        appends=appends,
        before=SagaStatus(due.status),
        stepped=stepped,
        participants=joining,
    )


def _may_be_missed(joining: Sequence[UUID], outcome: Step[Any, Any]) -> bool:
    """Whether something may happen to them that the step has not read, before it shows whom they concern.

    Nobody would be woken, so the step is made again after that. Of a stream that it appends to, nothing is missed: no
    other can append to it meanwhile.
    """
    return any(not outcome.participants.get(each) for each in joining)


def _newest(*streams: LoadedStream[Any]) -> str:
    """Return the id of the event that came last: what led to the step."""
    newest = max((stream.events[-1] for stream in streams if stream.events), key=lambda event: event.position)
    return str(newest.event_id)


def _report(decided: Sequence[_Decided]) -> None:
    for each in decided:
        metrics.STEPS.labels("done").inc()
        before, after = each.before, each.stepped.status
        if before is after:
            continue
        kind = each.due.kind
        log.info("saga_changed", saga_id=str(each.due.saga_id), kind=kind, status=after.value)
        if after in ENDED:
            metrics.ENDED.labels(kind, after.value).inc()
        elif after is SagaStatus.COMPENSATION_STUCK:
            metrics.STUCK.labels(kind).inc()
            log.error("saga_stuck", saga_id=str(each.due.saga_id), kind=kind)
        if before in _ON_THEIR_WAY and after not in _NOT_TAKEN_BACK:
            metrics.COMPENSATIONS.labels(kind).inc()

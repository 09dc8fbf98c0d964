"""What operators do about sagas: list and show them, have a compensation tried again, or give one up.

Who did it and why is written into the saga's own log, in the transaction that does it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from consumers.saga.definition import SagaDefinition
from consumers.saga.intake import Sagas
from consumers.saga.store import ListedSaga, StoredSaga, find, list_sagas, make_due
from domain.errors import DomainError
from domain.saga.commands import GiveUpSaga, OperatorCommand, RetryCompensation
from domain.saga.status import ENDED, SagaStatus
from event_store.append_signal import AppendSignal
from event_store.decide import StillConflicting, StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.privacy.masking import masked
from event_store.store import load
from event_store.streams import LoadedStream
from infra.access.actors import operator_actor
from infra.errors import InfraError, Missing, WrongOption
from infra.postgres.pool import Connection
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.errors import SchemaError

OPEN = tuple(status.value for status in SagaStatus if status not in ENDED)


class SagaRefused(InfraError):
    """It cannot be done with the saga, or must not; nothing was changed."""


class UnknownSagaStatus(SagaRefused, WrongOption):
    """There is no such status."""


class NoSuchSaga(SagaRefused, Missing):
    """There is no saga of that id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSaga:
    """A saga with its history. `waits_for` is in words."""

    saga: StoredSaga
    waits_for: Sequence[str]
    events: Sequence[RecordedEvent]


class SagaAdmin:
    """What operators do about sagas of these kinds. Each method is a transaction of its own and raises SagaRefused."""

    def __init__(self, sagas: Sagas) -> None:
        self._sagas = sagas

    async def list_sagas(self, conn: Connection, *, statuses: Sequence[str], limit: int = 50) -> list[ListedSaga]:
        """Return sagas of these statuses, the oldest first. Raises SagaRefused for a status that there is not."""
        known = [status.value for status in SagaStatus]
        if wrong := set(statuses) - set(known):
            raise UnknownSagaStatus(f"There is no status {', '.join(sorted(wrong))}. There are: {', '.join(known)}.")
        return await list_sagas(conn, statuses=statuses, is_open=set(statuses) <= set(OPEN), limit=limit)

    async def show(self, conn: Connection, saga_id: UUID) -> ShownSaga:
        """Return a saga with all that happened to it, whether this release can read that or not."""
        saga, definition = await self._find(conn, saga_id)
        events = await masked(conn, await load(conn, saga_id))
        waits_for: Sequence[str]
        try:
            state = definition.saga.load(events).state
            waits_for = () if state is None else definition.waits_for_of(state)
        except SchemaError as error:
            waits_for = (f"what nobody can tell: {error.explanation}",)
        return ShownSaga(saga=saga, waits_for=waits_for, events=events)

    async def retry(self, conn: Connection, saga_id: UUID, *, actor: str, reason: str, now: float) -> str:
        """Have what was not taken back tried again at once, and return so. `now` is in Unix seconds."""
        await self._operate(conn, saga_id, RetryCompensation(actor=actor, reason=reason, now=now), actor=actor)
        return "What was not taken back is tried again at once."

    async def give_up(self, conn: Connection, saga_id: UUID, *, actor: str, reason: str, force: bool = False) -> str:
        """End the saga as it is, and return so. `force` is needed unless an operator was called for it."""
        saga, _ = await self._find(conn, saga_id)
        if saga.status != SagaStatus.COMPENSATION_STUCK and not force:
            raise SagaRefused(
                f"Saga {saga_id} is {saga.status}: it may still come to an end by itself. If you are sure: --force"
            )
        await self._operate(conn, saga_id, GiveUpSaga(actor=actor, reason=reason), actor=actor)
        return "It is given up. What was not taken back stands; it is named in the event."

    async def _operate(self, conn: Connection, saga_id: UUID, command: OperatorCommand, *, actor: str) -> None:
        saga, definition = await self._find(conn, saga_id)

        def decide(loaded: LoadedStream[Any]) -> Sequence[Any]:
            if loaded.state is None:
                raise NoSuchSaga(f"There is no saga {saga_id}.")
            return definition.operate(loaded.state, command)

        metadata = EventMetadata(
            correlation_id=saga.correlation_id,
            actor=operator_actor(actor),
            merchant_id=saga.merchant_id,
            traceparent=saga.traceparent,
        )
        try:
            async with conn.transaction():
                log = ConnectionLog(conn)
                # Not StreamCommand[Any, Any](...): Python 3.11 cannot call that of a class with slots.
                of_saga: StreamCommand[Any, Any] = StreamCommand(stream_id=saga_id, metadata=metadata, decide=decide)
                await make_due(conn, saga_id)  # first, as a step does: the other way round they would deadlock
                await decide_and_append(log, definition.saga, [of_saga])
                await AppendSignal().send(conn)
        except DomainError as error:
            raise SagaRefused(f"The saga does not allow it: {error}") from error
        except SchemaError as error:
            raise SagaRefused(f"The saga does not allow it: {error.explanation}") from error
        except StillConflicting as error:
            raise SagaRefused("The saga changed again and again meanwhile. Try again.") from error

    async def _find(self, conn: Connection, saga_id: UUID) -> tuple[StoredSaga, SagaDefinition[Any, Any, Any, Any]]:
        saga = await find(conn, saga_id)
        if saga is None:
            raise NoSuchSaga(f"There is no saga {saga_id}.")
        definition = self._sagas.get(saga.kind)
        if definition is None:
            raise SagaRefused(f"Saga {saga_id} is of a kind that this version does not know: {saga.kind}.")
        return saga, definition

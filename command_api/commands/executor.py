"""Carries a command out once: claim its key, decide on the aggregate's state, append, store the response.

The idempotency record in PostgreSQL, written in the same transaction as the events, is the authority; the cache in
front of it only saves work. A command that is refused leaves no record: its key stays free. One that is accepted always
leaves one, also when it has no new events.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
import structlog

from command_api.admission import Admission
from command_api.commands.client_operation import Body, ClientOperation, Subject
from command_api.commands.metrics import CACHE_HITS, REPLAYS, record_result
from command_api.commands.response_cache import InFlight, KeyClaim, ResponseCache
from command_api.errors import (
    CommandError,
    ForeignStripeObject,
    KeyInUse,
    KeyReused,
    RequestTooLarge,
    ShuttingDown,
)
from domain.errors import DomainError
from domain.ids import MerchantId
from event_store.appends import NO_STREAM, EventTooLarge, IdempotencyRecord, StoredResponse
from event_store.decide import (
    Decided,
    IdempotentCommand,
    NotTheMerchants,
    Retries,
    StillConflicting,
    decide_once,
)
from event_store.event_log import EventLog
from event_store.group_commit import Closed
from event_store.streams import LoadedStream
from infra.errors import Unavailable
from infra.postgres.pool import DatabaseUnavailable
from infra.tracing import span
from schemas.envelope import EventMetadata

log = structlog.get_logger(__name__)

_RETRIES = Retries(max_attempts=25, max_pause_s=0.02)
_NO_STREAM = LoadedStream[Any](state=None, version=NO_STREAM, events=())


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRequest:
    """A command as a client sent it. `fingerprint` tells it from every other request under the same key."""

    operation: ClientOperation
    opens_stream: bool
    merchant_id: MerchantId
    idempotency_key: str
    fingerprint: str
    metadata: EventMetadata


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandResult:
    """What a command came to.

    `operation` has the ids of the original when this is a replay. `version` is that of the aggregate in `body`: 0 when
    it is not known. `has_outcome`: Stripe's outcome is known.
    """

    operation: ClientOperation
    status: int
    body: Body
    position: int
    version: int
    has_outcome: bool = False
    replayed: bool = False

    def as_of(self, newer: LoadedStream[Any]) -> "CommandResult":
        """Return the result of the same command in a newer state of its aggregate."""
        assert newer.state is not None
        result = _result(self.operation, newer.state, newer.version, newer.position)
        return replace(result, replayed=self.replayed)


@dataclass(slots=True)
class _Measured:
    replayed: bool = False


class CommandExecutor:
    """Carries commands out, each to its end even when its client goes away."""

    def __init__(
        self,
        *,
        cache: ResponseCache,
        log: EventLog,
        timeout_s: float = 5.0,
        admission: Admission | None = None,
        subject: Subject,
        owned_stripe_ids: bool = True,
    ) -> None:
        """`subject`: what all operations are about. `owned_stripe_ids`: an id of Stripe is one merchant's."""
        self._subject = subject
        self._owned_stripe_ids = owned_stripe_ids
        self._cache = cache
        self._log = log
        self._timeout_s = timeout_s
        self._running: set[asyncio.Task[CommandResult]] = set()
        self._admission = admission or Admission("command")
        self._storing: set[asyncio.Task[None]] = set()
        self._closing = False

    async def execute(self, request: CommandRequest) -> CommandResult:
        """Carry the command out, or find its stored response.

        Raises CommandError, DomainError or infra.errors.Unavailable (Overloaded at once). A command that was not
        recorded within the time-out goes on by itself: its client learns the result by a retry with the same key.
        """
        if self._closing:
            raise ShuttingDown
        self._admission.enter()
        # A task of its own: a client that disconnects cancels the wait, never the work.
        task = asyncio.create_task(self._carry_out(request))
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout_s)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            raise
        if not done:
            task.add_done_callback(_log_failure)
            raise DatabaseUnavailable(f"the command was not recorded within {self._timeout_s:g} s")
        return task.result()

    def _ended(self, task: "asyncio.Task[CommandResult]") -> None:
        self._running.discard(task)
        self._admission.leave()

    async def close(self) -> None:
        """Take no more commands and finish those that are under way."""
        self._closing = True
        while self._running or self._storing:
            await asyncio.wait({*self._running, *self._storing})

    async def _carry_out(self, request: CommandRequest) -> CommandResult:
        """Claim the key and decide, or replay what is stored under it."""
        with self._measured(request) as measured:
            claim = await self._cache.claim(request.merchant_id, request.idempotency_key)
            match claim:
                case StoredResponse():
                    result = await self._replay(request, claim, "redis")
                case InFlight():
                    # Under way, or its process died: if that was after the commit, the response is there.
                    stored = await self._log.find_response(request.merchant_id, request.idempotency_key)
                    if stored is None:
                        raise KeyInUse
                    result = await self._replay(request, stored, "postgres")
                case KeyClaim():
                    result = await self._decide(request, claim)
            measured.replayed = result.replayed
        return result

    async def _decide(self, request: CommandRequest, claim: KeyClaim) -> CommandResult:
        """Decide and append under the claim, and end it: with the response that is now committed, or without."""
        committed: StoredResponse | None = None
        try:
            decided = await self._append(request)
            if isinstance(decided, StoredResponse):
                committed = decided
                return await self._replay(request, decided, "postgres")
            assert decided.state is not None
            assert decided.record is not None
            committed = decided.record.stored_at(decided.position)
            if decided.events:
                self._subject.record_accepted(request.operation, decided.state)
            return _result(request.operation, decided.state, decided.version, decided.position)
        finally:
            if committed is None:
                await self._cache.release(claim)
            else:
                # Nobody waits for it: until it is there, a repetition of the request is answered from PostgreSQL.
                storing = asyncio.create_task(self._cache.store(claim, committed))
                self._storing.add(storing)
                storing.add_done_callback(self._storing.discard)

    async def _append(self, request: CommandRequest) -> Decided[Any, Any] | StoredResponse:
        """Return what was decided, or the stored response. The log's errors become errors of commands."""
        try:
            with span("append events", kind="client", attributes={"db.system": "postgresql"}):
                return await decide_once(self._log, self._subject.aggregate, self._command(request), _RETRIES)
        except StillConflicting:
            raise self._subject.busy() from None
        except NotTheMerchants:
            raise ForeignStripeObject from None
        except Closed:
            raise ShuttingDown from None
        except EventTooLarge as error:
            raise RequestTooLarge(error.size_bytes, error.max_bytes) from error

    def _command(self, request: CommandRequest) -> IdempotentCommand[Any, Any]:
        def decide_on(loaded: LoadedStream[Any]) -> Sequence[Any]:
            state = loaded.state
            if not request.opens_stream and (state is None or state.merchant_id != request.merchant_id):
                raise self._subject.not_found()
            return self._subject.decide(state, request.operation.command(state))

        def record(state: Any) -> IdempotencyRecord:
            body = request.operation.response_body(state)
            return IdempotencyRecord(
                key=request.idempotency_key,
                fingerprint=request.fingerprint,
                status=request.operation.status(state),
                response=None if self._subject.has_personal_data(body) else orjson.dumps(body),
            )

        return IdempotentCommand(
            stream_id=request.operation.stream_id,
            metadata=request.metadata,
            decide=decide_on,
            loaded=_NO_STREAM if request.opens_stream else None,
            key=request.idempotency_key,
            record=record,
            stripe_ids=request.operation.stripe_ids if self._owned_stripe_ids else frozenset(),
        )

    async def _replay(self, request: CommandRequest, stored: StoredResponse, source: str) -> CommandResult:
        if stored.fingerprint != request.fingerprint:
            raise KeyReused
        REPLAYS.labels(source).inc()
        if source == "redis":
            CACHE_HITS.inc()
        if stored.response is None:  # it has personal data, or was written back from Kafka
            state = self._subject.aggregate.load(await self._log.load_as_of(stored.position)).state
            assert state is not None
            body = request.operation.with_ids_of(self._subject.original_ids(state)).response_body(state)
        else:
            body = orjson.loads(stored.response)
        return CommandResult(
            operation=request.operation.with_ids_of(body),
            status=stored.status,
            body=body,
            position=stored.position,
            version=NO_STREAM,
            replayed=True,
        )

    @contextmanager
    def _measured(self, request: CommandRequest) -> Iterator[_Measured]:
        """Count a command by its result, and how long it took."""
        started, label, measured = time.perf_counter(), "error", _Measured()
        refused: Exception | None = None
        try:
            yield measured
            label = "replayed" if measured.replayed else "accepted"
        except (CommandError, DomainError, Unavailable) as error:
            label, refused = error.code, error
            raise
        finally:
            record_result(request.operation, label, time.perf_counter() - started)
            self._subject.record_result(request.operation, label, refused)


def _result(operation: ClientOperation, state: Any, version: int, position: int) -> CommandResult:
    return CommandResult(
        operation=operation,
        status=operation.status(state),
        body=operation.response_body(state),
        position=position,
        version=version,
        has_outcome=operation.has_outcome(state),
    )


def _log_failure(task: "asyncio.Task[CommandResult]") -> None:
    """Log the error of a command that nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("abandoned_command_failed", error=type(error).__name__)

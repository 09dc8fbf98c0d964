"""Carries a command out once: claim its key, decide on the payment's state, append, remember the answer.

The idempotency record in PostgreSQL, written in the same transaction as the events, is the authority; the cache in
front of it only saves work. A command that is refused leaves no record: its key stays free. One that is accepted always
leaves one, also when it has no new events.
"""

import asyncio
import random
import time
from dataclasses import dataclass, replace

import orjson
import structlog

from command_api.acceptance import announce
from command_api.answer_cache import AnswerCache, Claim, InFlight
from command_api.errors import (
    CommandError,
    KeyInUse,
    KeyReused,
    PaymentBusy,
    PaymentNotFound,
    RequestTooLarge,
    ShuttingDown,
)
from command_api.metrics import COMMAND_DURATION, COMMANDS, REPLAYS
from command_api.operations import Body, Operation, original_ids
from command_api.payment_log import PaymentLog
from domain.errors import DomainError
from domain.payment.decide import decide
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold
from domain.payment.state import PaymentState
from event_store.appends import (
    NO_STREAM,
    AlreadySeen,
    Append,
    Appended,
    EventTooLarge,
    IdempotencyRecord,
    VersionConflict,
)
from event_store.group_commit import Appender, Closed
from event_store.payments import LoadedPayment
from infra.errors import Unavailable
from infra.ids import uuid7
from infra.postgres.pool import DatabaseUnavailable
from schemas.envelope import EventMetadata
from schemas.events import PAYMENT_CODEC
from schemas.events.payment_events import CATEGORY

log = structlog.get_logger(__name__)

_MAX_TRIES = 25
_MAX_PAUSE_S = 0.02
_NO_PAYMENT = LoadedPayment(state=None, version=NO_STREAM, events=())


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRequest:
    """A command as a client sent it. `fingerprint` tells it from every other request under the same key."""

    operation: Operation
    opens_stream: bool
    merchant_id: str
    idempotency_key: str
    fingerprint: str
    metadata: EventMetadata


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a command is answered.

    `operation` bears the ids of the original when this is a replay. `version` is what the answer reflects of the
    payment: 0 when that is not known. `settled`: there is nothing of Stripe's to wait for.
    """

    operation: Operation
    status: int
    body: Body
    position: int
    version: int
    settled: bool = False
    replayed: bool = False

    def as_of(self, payment: LoadedPayment) -> "Answered":
        """Return what the same command is answered in a newer state of its payment."""
        assert payment.state is not None
        newer = _answer(self.operation, payment.state, payment.version, payment.events[-1].position)
        return replace(newer, replayed=self.replayed)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recorded:
    """The command's events, if any, are in the log, and `stored` is its idempotency record."""

    answered: Answered
    stored: AlreadySeen


class CommandExecutor:
    """Carries commands out, each to its end even when its client goes away."""

    def __init__(self, *, cache: AnswerCache, payments: PaymentLog, appender: Appender, timeout_s: float = 5.0) -> None:
        self._cache = cache
        self._payments = payments
        self._appender = appender
        self._timeout_s = timeout_s
        self._running: set[asyncio.Task[Answered]] = set()
        self._closing = False

    async def execute(self, request: CommandRequest) -> Answered:
        """Carry the command out, or find its stored answer.

        Raises CommandError, DomainError or infra.errors.Unavailable. A command that was not recorded within the
        time-out goes on by itself: its client learns the outcome by asking again with the same key.
        """
        if self._closing:
            raise ShuttingDown
        # A task of its own: a client that disconnects cancels the wait, never the work.
        task = asyncio.create_task(self._measured(request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout_s)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            raise
        if not done:
            task.add_done_callback(_log_failure)
            raise DatabaseUnavailable(f"the command was not recorded within {self._timeout_s:g} s")
        return task.result()

    async def close(self) -> None:
        """Take no more commands and finish those that are under way."""
        self._closing = True
        while self._running:
            await asyncio.wait(self._running)

    async def _measured(self, request: CommandRequest) -> Answered:
        started, name, result = time.perf_counter(), request.operation.name, "error"
        try:
            answered = await self._carry_out(request)
            result = "replayed" if answered.replayed else "accepted"
        except (CommandError, DomainError, Unavailable) as error:
            result = error.code
            raise
        else:
            return answered
        finally:
            COMMANDS.labels(name, result).inc()
            COMMAND_DURATION.labels(name).observe(time.perf_counter() - started)

    async def _carry_out(self, request: CommandRequest) -> Answered:
        claim = await self._cache.claim(request.merchant_id, request.idempotency_key)
        if isinstance(claim, AlreadySeen):
            return await self._replay(request, claim, "redis")
        if isinstance(claim, InFlight):
            # Under way, or its process died: if that was after the commit, the answer is there.
            answer = await self._payments.find_answer(request.merchant_id, request.idempotency_key)
            if answer is None:
                raise KeyInUse
            return await self._replay(request, answer, "postgres")
        return await self._with(claim, request)

    async def _with(self, claim: Claim, request: CommandRequest) -> Answered:
        """Decide and append under the claim, and end it: with the answer that is now committed, or without."""
        committed: AlreadySeen | None = None
        try:
            outcome = await self._decide_and_append(request)
            if isinstance(outcome, AlreadySeen):
                committed = outcome
                return await self._replay(request, outcome, "postgres")
            committed = outcome.stored
            return outcome.answered
        finally:
            if committed is None:
                await self._cache.release(claim)
            else:
                await self._cache.keep(claim, committed)

    async def _replay(self, request: CommandRequest, stored: AlreadySeen, source: str) -> Answered:
        if stored.fingerprint != request.fingerprint:
            raise KeyReused
        REPLAYS.labels(source).inc()
        if stored.response is None:  # written back from Kafka, which does not have it
            payment = await self._payments.load_as_of(stored.position)
            assert payment.state is not None
            body = request.operation.at(original_ids(payment.state)).body(payment.state)
        else:
            body = orjson.loads(stored.response)
        return Answered(
            operation=request.operation.at(body),
            status=stored.status,
            body=body,
            position=stored.position,
            version=NO_STREAM,
            replayed=True,
        )

    async def _decide_and_append(self, request: CommandRequest) -> _Recorded | AlreadySeen:
        """Return what was recorded now or before."""
        payment, look_up = _NO_PAYMENT, not request.opens_stream
        for tries in range(_MAX_TRIES):
            if look_up:
                found = await self._payments.look_up(
                    request.operation.payment_id, request.merchant_id, request.idempotency_key
                )
                if found.answer is not None:
                    return found.answer  # before deciding: a refund that was applied would now be refused
                payment = _expect_own(found.payment, request.merchant_id)
            events = decide(payment.state, request.operation.command(payment.state))
            state = fold(events, payment.state)
            assert state is not None
            if not events:
                return await self._remember(request, payment, state)
            result = await self._append(request, payment.version, events, state)
            if not isinstance(result, VersionConflict):
                return result
            # A payment that is still unknown was not opened by anyone: its key was held by a neighbour that failed.
            look_up = not (request.opens_stream and result.actual_version == NO_STREAM)
            await asyncio.sleep(random.uniform(0, min(_MAX_PAUSE_S, 0.001 * tries)))  # noqa: S311 - not a secret
        raise PaymentBusy

    async def _remember(
        self, request: CommandRequest, payment: LoadedPayment, state: PaymentState
    ) -> _Recorded | AlreadySeen:
        """Store the answer of a command that has nothing to append."""
        record = _record(request, state)
        known = await self._payments.remember(
            request.operation.payment_id, request.merchant_id, payment.version, record
        )
        return known or _recorded(request.operation, state, record, payment.version, payment.events[-1].position)

    async def _append(
        self, request: CommandRequest, version: int, events: tuple[PaymentEvent, ...], state: PaymentState
    ) -> _Recorded | AlreadySeen | VersionConflict:
        operation, record = request.operation, _record(request, state)
        append = Append(
            stream_id=operation.payment_id,
            category=CATEGORY,
            merchant_id=request.merchant_id,
            expected_version=version,
            events=tuple(PAYMENT_CODEC.encode(event, event_id=uuid7(), metadata=request.metadata) for event in events),
            idempotency=record,
        )
        try:
            result = await self._appender.append(append)
        except Closed:
            raise ShuttingDown from None
        except EventTooLarge as error:
            raise RequestTooLarge(error.size_bytes, error.max_bytes) from error
        if not isinstance(result, Appended):
            return result
        announce(operation, state)
        return _recorded(operation, state, record, result.version, result.position)


def _record(request: CommandRequest, state: PaymentState) -> IdempotencyRecord:
    return IdempotencyRecord(
        key=request.idempotency_key,
        fingerprint=request.fingerprint,
        status=request.operation.status(state),
        response=orjson.dumps(request.operation.body(state)),
    )


def _recorded(
    operation: Operation, state: PaymentState, record: IdempotencyRecord, version: int, position: int
) -> _Recorded:
    return _Recorded(
        answered=_answer(operation, state, version, position),
        stored=record.stored_at(position),
    )


def _answer(operation: Operation, state: PaymentState, version: int, position: int) -> Answered:
    return Answered(
        operation=operation,
        status=operation.status(state),
        body=operation.body(state),
        position=position,
        version=version,
        settled=operation.settled(state),
    )


def _expect_own(payment: LoadedPayment, merchant_id: str) -> LoadedPayment:
    if payment.state is None or payment.state.merchant_id != merchant_id:
        raise PaymentNotFound
    return payment


def _log_failure(task: "asyncio.Task[Answered]") -> None:
    """Say how a command ended that nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("abandoned_command_failed", error=type(error).__name__)

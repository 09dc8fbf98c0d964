"""Ends finished calls: many at a time, one transaction for their events and the state of their tasks.

A task whose lease ran out and was claimed by somebody else is left alone, with its events: whoever has it
now gets the same answer from Stripe, by the same key. A result that is written twice changes nothing, as
deciders are idempotent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from consumers.gateway.conclusions import AskLater, Bury, Conclusion, Finish, PutOff, TryAgain, Watch
from consumers.gateway.metrics import CONTRADICTIONS
from consumers.gateway.plan import is_moot, is_open
from consumers.tasks.intent_index import NewIntent, note_intents
from consumers.tasks.models import RECONCILIATION, Ending, NewRefresh, Operation, Task, TaskStatus
from consumers.tasks.store import ask_for_refreshes, find_stuck, hasten, lock_leased
from consumers.tasks.store import settle as put_back
from consumers.tasks.watch_list import note_waiting
from domain.errors import DomainError
from domain.ids import EventId
from domain.payment.events import (
    PaymentConfirmationRequested,
    PaymentContradicted,
    PaymentEvent,
    PaymentIntentCreated,
    TaskOutcomeUnknown,
)
from domain.payment.observations import PaymentObservation, RecordOutcomeUnknown
from domain.payment.observe import observe
from domain.payment.state import PaymentState
from event_store.appends import Append, VersionConflict
from event_store.group_commit import Batcher
from event_store.payments import LoadedPayment, load_payments
from event_store.store import append
from infra.ids import uuid7
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Connection, Pool
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import PAYMENT_CODEC
from schemas.events.payment_events import CATEGORY

log = structlog.get_logger(__name__)

ACTOR = "stripe-gateway"
WATCHED_AFTER_S = 5.0
"""When it is first looked whether what was called failed appears at Stripe."""
_ROUNDS = 10
_OUTCOME_UNKNOWN = "payment.task_outcome_unknown"


class StillConflicting(Exception):
    """A payment changed under us in every round, though its stream was locked: it cannot happen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """The end of a call. `payment` is as it was loaded before the call; it may be stale."""

    task: Task
    payment: LoadedPayment
    conclusion: Conclusion


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """How a settlement went. `payment` is the state after it, None when the lease was lost."""

    ending: Ending | None
    payment: PaymentState | None = None
    status_changed: bool = False


def asking_event(task: Task, payment: LoadedPayment) -> RecordedEvent | None:
    """Return the event that asked for the call, or None when it is not among the payment's events."""
    return next((event for event in payment.events if event.event_id == task.event_id), None)


def unknown_since(task: Task, payment: LoadedPayment) -> datetime | None:
    """Return when it was first recorded that the outcome of the task's call is unknown, or None."""
    for event in payment.events:
        if event.type == _OUTCOME_UNKNOWN:
            fact = PAYMENT_CODEC.decode(event)
            if isinstance(fact, TaskOutcomeUnknown) and fact.event_id == task.event_id:
                return event.recorded_at
    return None


def is_superseded(asked: PaymentEvent, version: int, payment: LoadedPayment) -> bool:
    """Whether `asked`, at `version`, is a confirmation, and the client asked for another one later: that one counts."""
    if not isinstance(asked, PaymentConfirmationRequested):
        return False
    later = (PAYMENT_CODEC.decode(event) for event in payment.events if event.version > version)
    return any(isinstance(event, PaymentConfirmationRequested) for event in later)


class _Decision:
    """What a settlement comes to, on the payment as it is known; made again when the payment turns out newer."""

    def __init__(self, settlement: Settlement) -> None:
        self.settlement = settlement
        self.task = settlement.task
        self.decide_on(settlement.payment)

    def decide_on(self, payment: LoadedPayment) -> None:
        self.payment = payment
        self.state = payment.state
        self.events: tuple[PaymentEvent, ...] = ()
        self.refusal: str | None = None
        facts = _facts(self.settlement)
        if not facts:
            return
        try:
            observed = observe(payment.state, facts)
        except DomainError as error:
            self.refusal = f"{type(error).__name__}: {error}"
            return
        self.state, self.events = observed.state, observed.events
        if observed.contradictions and self.task.operation is not Operation.REFRESH_PAYMENT:
            # What was asked for has no outcome that can be believed: a person has to look.
            self.refusal = "; ".join(observed.contradictions)

    @property
    def contradictions(self) -> int:
        """How many were recorded."""
        return sum(isinstance(event, PaymentContradicted) for event in self.events)

    @property
    def is_finished(self) -> bool:
        """Whether the task is done."""
        return isinstance(self.settlement.conclusion, Finish) and self.refusal is None

    @property
    def leaves_its_wish_open(self) -> bool:
        """Whether the task would be done and what was asked for would not: it must not end so, whatever led there."""
        asked = asking_event(self.task, self.payment)
        return asked is not None and self.state is not None and is_open(PAYMENT_CODEC.decode(asked), self.state)


def _facts(settlement: Settlement) -> tuple[PaymentObservation, ...]:
    """Return what is to be recorded: what Stripe said, or that it is not known what it did."""
    task = settlement.task
    match settlement.conclusion:
        case Finish(facts=facts):
            return facts
        case AskLater(error=error) if not task.outcome_unknown and settlement.payment.state is not None:
            return (
                RecordOutcomeUnknown(event_id=EventId(task.event_id), operation=task.operation.value, reason=error),
            )
        case _:
            return ()


class Settler:
    """Writes settlements; those that wait at one moment go together."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._batcher = Batcher[Settlement, Settled | Exception](
            self._write, key=lambda item: item.task.payment_id, max_batch=128
        )

    async def settle(self, settlement: Settlement) -> Settled:
        """Write one. Raises psycopg.OperationalError while the database is away; nothing is written then."""
        result = await self._batcher.submit(settlement)
        if isinstance(result, Exception):
            raise result
        return result

    async def close(self) -> None:
        """Write what was submitted, refuse what comes later."""
        await self._batcher.close()

    async def _write(self, items: Sequence[Settlement]) -> Sequence[Settled | Exception]:
        try:
            return await self._write_together(items)
        except Exception as error:
            if is_transient(error) or len(items) == 1:
                raise
            log.exception("gateway_settlement_failed", tasks=len(items))
        return [await self._write_alone(item) for item in items]

    async def _write_alone(self, item: Settlement) -> Settled | Exception:
        try:
            return (await self._write_together([item]))[0]
        except Exception as error:  # noqa: BLE001 - handed to the one who submitted it
            return error

    async def _write_together(self, items: Sequence[Settlement]) -> list[Settled]:
        async with self._pool.connection() as conn, conn.transaction():
            ours = await lock_leased(conn, [item.task for item in items])
            decisions = {item.task.event_id: _Decision(item) for item in items if item.task.event_id in ours}
            await _append_events(conn, list(decisions.values()))
            await _take_notes(conn, list(decisions.values()))
            await _revive_moot(conn, list(decisions.values()))
            endings = {event_id: _ending(decision) for event_id, decision in decisions.items()}
            if endings:
                await put_back(conn, list(endings.values()))
        for decision in decisions.values():
            if decision.contradictions:
                CONTRADICTIONS.inc(decision.contradictions)
                log.error("payment_contradicted", payment_id=str(decision.task.payment_id))
        return [
            _settled(decisions[event_id], endings[event_id]) if event_id in decisions else Settled(ending=None)
            for event_id in (item.task.event_id for item in items)
        ]


async def _append_events(conn: Connection, decisions: list[_Decision]) -> None:
    """Append what was decided; a payment that changed meanwhile is loaded and decided on again.

    A conflict leaves the payment's stream locked by our transaction, so that the next round meets no other.
    """
    for _ in range(_ROUNDS):
        decisions = [decision for decision in decisions if decision.events]
        results = await append(conn, [_append(decision) for decision in decisions])
        pairs = zip(decisions, results, strict=True)
        stale = [decision for decision, result in pairs if isinstance(result, VersionConflict)]
        if not stale:
            return
        fresh = await load_payments(conn, [decision.task.payment_id for decision in stale])
        for decision in stale:
            decision.decide_on(fresh[decision.task.payment_id])
        decisions = stale
    raise StillConflicting


async def _take_notes(conn: Connection, decisions: Sequence[_Decision]) -> None:
    """Keep what others look up by: whose intent it is, and which payments wait for something at Stripe."""
    changed = [decision for decision in decisions if decision.events and decision.state is not None]
    asked_for = await note_intents(
        conn,
        [
            NewIntent(intent_id=event.intent_id, payment_id=decision.task.payment_id)
            for decision in changed
            for event in decision.events
            if isinstance(event, PaymentIntentCreated)
        ],
    )
    refreshes = [_refresh(decision.task) for decision in changed if decision.task.payment_id in asked_for]
    if refreshes:  # Stripe told of a dispute or a refund before the answer that made the intent was recorded
        await ask_for_refreshes(conn, refreshes)
    watched = [_refresh(decision.task) for decision in changed if _may_appear_now(decision)]
    if watched:
        await ask_for_refreshes(conn, watched, delay_s=WATCHED_AFTER_S)
    await note_waiting(conn, [(decision.payment.state, decision.state) for decision in changed if decision.state])


def _may_appear_now(decision: _Decision) -> bool:
    before, after = decision.payment.state, decision.state
    return after is not None and after.may_appear and not (before is not None and before.may_appear)


def _refresh(task: Task) -> NewRefresh:
    return NewRefresh(
        payment_id=task.payment_id,
        merchant_id=task.merchant_id,
        position=0,
        correlation_id=task.correlation_id,
        traceparent=task.traceparent,
    )


async def _revive_moot(conn: Connection, decisions: Sequence[_Decision]) -> None:
    """Let tasks end now whose outcome a refresh has found: they hold up the payment's later ones for nothing.

    Those are dead, unknown, or to be tried again later.
    """
    refreshed = {
        decision.task.payment_id: decision
        for decision in decisions
        if decision.task.operation is Operation.REFRESH_PAYMENT and decision.is_finished
    }
    if not refreshed:
        return
    moot = []
    for event_id, payment_id in await find_stuck(conn, list(refreshed)):
        decision = refreshed[payment_id]
        asked = next((event for event in decision.payment.events if event.event_id == event_id), None)
        if asked is not None and decision.state is not None and is_moot(PAYMENT_CODEC.decode(asked), decision.state):
            moot.append(event_id)
    if moot:
        await hasten(conn, moot)


def _append(decision: _Decision) -> Append:
    task = decision.task
    asked = asking_event(task, decision.payment)
    metadata = EventMetadata(
        correlation_id=task.correlation_id,
        causation_id=str(task.event_id),
        request_id=None if asked is None else asked.metadata.request_id,
        actor=RECONCILIATION if task.is_backfill else ACTOR,
        merchant_id=task.merchant_id,
        traceparent=task.traceparent,
    )
    return Append(
        stream_id=task.payment_id,
        category=CATEGORY,
        merchant_id=task.merchant_id,
        expected_version=decision.payment.version,
        events=tuple(PAYMENT_CODEC.encode(event, event_id=uuid7(), metadata=metadata) for event in decision.events),
    )


def _ending(decision: _Decision) -> Ending:  # noqa: PLR0911 - one line per conclusion
    event_id, position = decision.task.event_id, decision.task.position

    def ending(status: TaskStatus, *, delay_s: float = 0.0, error: str | None = None, unsent: bool = False) -> Ending:
        return Ending(event_id=event_id, position=position, status=status, delay_s=delay_s, error=error, unsent=unsent)

    refusal = decision.refusal
    if decision.is_finished and decision.leaves_its_wish_open:
        refusal = "What Stripe said does not tell what became of it."
    if refusal is not None:
        return ending(TaskStatus.DEAD, error=refusal)
    match decision.settlement.conclusion:
        case Finish():
            return ending(TaskStatus.DONE)
        case TryAgain(delay_s=delay_s, error=error):
            return ending(TaskStatus.DUE, delay_s=delay_s, error=error)
        case Watch(delay_s=delay_s):
            return ending(TaskStatus.DUE, delay_s=delay_s)
        case PutOff(delay_s=delay_s, error=error):
            return ending(TaskStatus.DUE, delay_s=delay_s, error=error, unsent=True)
        case AskLater(delay_s=delay_s, error=error):
            return ending(TaskStatus.UNKNOWN, delay_s=delay_s, error=error)
        case Bury(error=error):
            return ending(TaskStatus.DEAD, error=error)


def _settled(decision: _Decision, ending: Ending) -> Settled:
    before, after = decision.payment.state, decision.state
    changed = after is not None and (before is None or before.status is not after.status)
    return Settled(ending=ending, payment=after, status_changed=changed)

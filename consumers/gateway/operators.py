"""What operators do about what does not come to an end by itself: calls (list, retry, give up), and contradictions.

The actor and the reason are written into the payment's log, in the transaction that does it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row

from consumers.gateway.failures import failure
from consumers.gateway.plan import RESEND_HORIZON_S
from consumers.tasks.models import NewRefresh, TaskOperation, TaskStatus
from consumers.tasks.store import request_refreshes
from consumers.tasks.watch_list import update_watch_list
from domain.errors import DomainError
from domain.ids import AttemptId, EventId, MerchantId, PaymentId
from domain.payment.commands import AcceptStripe, GiveUpTask, PaymentCommand, RetryTask
from domain.payment.contradictions import refusals
from domain.payment.decide import decide
from domain.payment.errors import BrokenHistory
from domain.payment.events import PaymentCancelRequested, PaymentEvent
from domain.payment.state import PaymentState
from event_store.decide import Decided, StillConflicting, StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.payments import PAYMENT, LoadedPayment, load_payment
from infra.access.actors import operator_actor
from infra.errors import InfraError, Missing, WrongOption
from infra.ids import uuid7
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.envelope import EventMetadata
from schemas.errors import SchemaError
from schemas.events import PAYMENT_CODEC

_SQL = Queries.load(Path(__file__).with_name("operators.sql"))


class TaskRefused(InfraError):
    """It cannot be done with the task, or must not; nothing was changed."""


class UnknownTaskStatus(TaskRefused, WrongOption):
    """There is no such status."""


class NoSuchTask(TaskRefused, Missing):
    """There is no task, or payment, of that id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedTask:
    """A task as operators see it."""

    event_id: EventId
    payment_id: PaymentId
    operation: str
    status: str
    attempts: int
    created_at: datetime
    due_at: datetime
    last_error: str | None
    found: int
    """How many there are in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Locked:
    event_id: EventId
    payment_id: PaymentId
    merchant_id: MerchantId
    operation: str
    status: str
    attempts: int
    correlation_id: str
    traceparent: str | None
    outcome_unknown: bool
    in_flight: bool
    recovered_since: bool
    """The log was reopened after the requesting event: attempts that were made before that may have been lost."""
    age_s: float
    """Since the requesting event, or the first attempt where that is older."""

    @property
    def is_refresh(self) -> bool:
        return self.operation == TaskOperation.REFRESH_PAYMENT

    @property
    def may_have_happened(self) -> bool:
        """Whether Stripe may have done it: whatever was sent may have had its effect, though no answer came."""
        return (self.attempts > 0 or self.recovered_since) and not self.is_refresh

    @property
    def doubt(self) -> str:
        """What speaks for it that it happened."""
        if self.attempts > 0:
            return f"it was tried {self.attempts} times"
        return "the log was recovered since it was requested, and attempts before that may have been lost"


class TaskAdmin:
    """What operators do about tasks. Each method is a transaction of its own and raises TaskRefused."""

    async def list_tasks(
        self, conn: Connection, *, statuses: Sequence[str], payment_id: PaymentId | None = None, limit: int = 50
    ) -> list[ListedTask]:
        """Return tasks of these statuses, the oldest first. Raises TaskRefused for a status that there is not."""
        known = [status.value for status in TaskStatus]
        if wrong := set(statuses) - set(known):
            raise UnknownTaskStatus(f"There is no status {', '.join(sorted(wrong))}. There are: {', '.join(known)}.")
        async with conn.cursor(row_factory=class_row(ListedTask)) as cursor:
            await cursor.execute(
                _SQL.list_tasks, {"statuses": list(statuses), "payment_id": payment_id, "limit": limit}
            )
            return await cursor.fetchall()

    async def find(self, conn: Connection, event_id: EventId) -> ListedTask:
        """Return one task. Raises NoSuchTask."""
        async with conn.cursor(row_factory=class_row(ListedTask)) as cursor:
            await cursor.execute(_SQL.find_task, {"event_id": event_id})
            task = await cursor.fetchone()
        if task is None:
            raise NoSuchTask(f"There is no task {event_id}.")
        return task

    async def retry(self, conn: Connection, event_id: EventId, *, actor: str, reason: str) -> str:
        """Have the task tried again at once, and return what will be done. Raises TaskRefused.

        It is sent with the same key while Stripe surely knows that; later, Stripe is asked what became of it.
        """
        async with conn.transaction():
            task = await _lock(conn, event_id)
            too_old = not task.is_refresh and task.age_s >= RESEND_HORIZON_S
            command = RetryTask(event_id=EventId(event_id), operation=task.operation, actor=actor, reason=reason)
            await _record(conn, task, command, actor=actor, gives_up=False)
            await conn.execute(_SQL.make_due, {"event_id": event_id, "look_up": too_old})
        if task.is_refresh:
            return "The payment will be read at Stripe."
        if task.outcome_unknown or too_old:
            return "Stripe will be asked what became of it; it is not sent again."
        return "It will be sent again, with the same idempotency key."

    async def give_up(
        self, conn: Connection, event_id: EventId, *, actor: str, reason: str, force: bool = False
    ) -> str:
        """End the task without its effect, record that the request failed, and return so. Raises TaskRefused.

        `force` is needed where Stripe may have done it all the same.
        """
        async with conn.transaction():
            task = await _lock(conn, event_id)
            if task.may_have_happened and not force:
                raise TaskRefused(
                    f"Stripe may have done it: {task.doubt}. First have Stripe asked: "
                    f"`paystream tasks retry {event_id} --reason ...`. Or look at its Dashboard. "
                    "If you are sure: --force"
                )
            command = GiveUpTask(event_id=EventId(event_id), operation=task.operation, actor=actor, reason=reason)
            events = await _record(conn, task, command, actor=actor, gives_up=True)
            await conn.execute(_SQL.end_task, {"event_id": event_id, "said": f"given up by {actor}: {reason}"})
        recorded = ", ".join(type(event).__name__ for event in events)
        return f"It is given up. Recorded: {recorded}."

    async def accept(self, conn: Connection, payment_id: PaymentId, *, actor: str, reason: str) -> str:
        """Make a payment what Stripe says wherever that contradicts, and return what was recorded. Raises TaskRefused.

        It is read at Stripe once more after that: what came since is recorded, and calls that this settles end.
        """
        correlation_id = str(uuid7())
        async with conn.transaction():
            payment = await _load(conn, payment_id)
            if payment.state is None:
                raise NoSuchTask(f"There is no payment {payment_id}.")
            merchant_id = payment.state.merchant_id
            metadata = EventMetadata(
                correlation_id=correlation_id,
                causation_id=None,
                actor=operator_actor(actor),
                merchant_id=merchant_id,
                traceparent=None,
            )
            command = AcceptStripe(actor=actor, reason=reason)
            decided = await _append(conn, payment_id, lambda _: (command,), metadata=metadata)
            refresh = NewRefresh(
                payment_id=payment_id, merchant_id=merchant_id, position=0, correlation_id=correlation_id
            )
            await request_refreshes(conn, [refresh])
        recorded = ", ".join(type(event).__name__ for event in decided.events)
        left = () if decided.state is None else refusals(decided.state)
        said = (f"Stripe's word is accepted. Recorded: {recorded}.", *(f"Not accepted: {each}." for each in left))
        return " ".join(said)


async def _lock(conn: Connection, event_id: EventId) -> _Locked:
    async with conn.cursor(row_factory=class_row(_Locked)) as cursor:
        await cursor.execute(_SQL.lock_task, {"event_id": event_id})
        task = await cursor.fetchone()
    if task is None:
        raise NoSuchTask(f"There is no task {event_id}.")
    if task.status == TaskStatus.DONE:
        raise TaskRefused(f"Task {event_id} is done.")
    if task.in_flight:
        raise TaskRefused(f"Task {event_id} is in work at this moment. Try again in a minute.")
    return task


async def _record(
    conn: Connection, task: _Locked, command: PaymentCommand, *, actor: str, gives_up: bool
) -> Sequence[PaymentEvent]:
    """Append what the operator did and, when the request is given up, that it failed; return the events."""
    metadata = EventMetadata(
        correlation_id=task.correlation_id,
        causation_id=str(task.event_id),
        actor=operator_actor(actor),
        merchant_id=task.merchant_id,
        traceparent=task.traceparent,
    )

    def commands(payment: LoadedPayment) -> Sequence[PaymentCommand]:
        return (command, *(_failure(task, payment) if gives_up else ()))

    return (await _append(conn, task.payment_id, commands, metadata=metadata)).events


async def _append(
    conn: Connection,
    payment_id: PaymentId,
    commands: Callable[[LoadedPayment], Sequence[PaymentCommand]],
    *,
    metadata: EventMetadata,
) -> Decided[PaymentState, PaymentEvent]:
    """Append what follows from commands, which are decided one after the other. Raises TaskRefused."""

    def decide_all(payment: LoadedPayment) -> Sequence[PaymentEvent]:
        state, events = payment.state, list[PaymentEvent]()
        for each in commands(payment):
            new = decide(state, each)
            state = PAYMENT.fold(new, state)
            events += new
        return events

    command = StreamCommand(stream_id=payment_id, metadata=metadata, decide=decide_all)
    try:
        decided = (await decide_and_append(ConnectionLog(conn), PAYMENT, [command]))[payment_id]
    except DomainError as error:
        raise TaskRefused(f"The payment does not allow it: {error}") from error
    except SchemaError as error:
        raise TaskRefused(f"The payment does not allow it: {error.explanation}") from error
    except StillConflicting as error:
        raise TaskRefused("The payment changed again and again meanwhile. Try again.") from error
    if decided.events and decided.state is not None:
        await update_watch_list(conn, [(decided.before.state, decided.state)])
    return decided


async def _load(conn: Connection, payment_id: PaymentId) -> LoadedPayment:
    """Return a payment. Raises TaskRefused for one that cannot be read."""
    try:
        return await load_payment(conn, payment_id)
    except BrokenHistory as error:
        raise TaskRefused(f"The payment does not allow it: {error}") from error
    except SchemaError as error:
        raise TaskRefused(f"The payment does not allow it: {error.explanation}") from error


def _failure(task: _Locked, payment: LoadedPayment) -> Sequence[PaymentCommand]:
    """Return that what the task's event requested failed; no event requested a refresh."""
    recorded = next((event for event in payment.events if event.event_id == task.event_id), None)
    if recorded is None:
        return ()
    requested = PAYMENT_CODEC.decode(recorded)
    _check_nothing_comes_first(requested, payment)
    return (
        failure(
            requested,
            attempt_id=AttemptId(str(task.event_id)),
            intent_id=None,
            code="given_up",
            decline_code=None,
            message="The request was given up, as its outcome could not be settled.",
        ),
    )


def _check_nothing_comes_first(requested: PaymentEvent, payment: LoadedPayment) -> None:
    """Raise TaskRefused for a cancellation while a charge is under way: its error would be taken for the charge's."""
    charge_is_open = payment.state is not None and payment.state.confirmation_requested
    if isinstance(requested, PaymentCancelRequested) and charge_is_open:
        raise TaskRefused("The payment's charge, which comes before its cancellation, is open: settle that first.")

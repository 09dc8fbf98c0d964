"""What a finished call comes to, given its payment: the events to append, and the task's result after that. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consumers.gateway.plan import is_open
from consumers.tasks.models import Task, TaskOperation, TaskStatus
from consumers.tasks.results import TaskResult
from domain.errors import DomainError
from domain.ids import EventId
from domain.payment.events import (
    PaymentConfirmationRequested,
    PaymentContradicted,
    PaymentEvent,
    TaskOutcomeUnknown,
)
from domain.payment.observations import PaymentObservation, RecordOutcomeUnknown
from domain.payment.observe import observe
from domain.payment.state import PaymentState
from event_store.payments import LoadedPayment
from schemas.envelope import RecordedEvent
from schemas.events import PAYMENT_CODEC

_OUTCOME_UNKNOWN = "payment.task_outcome_unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedCall:
    """The end of a call. `payment` is as it was loaded before the call; it may be stale."""

    task: Task
    payment: LoadedPayment
    result: TaskResult


class Decision:
    """Made on the payment as it is known, and made again when the payment turns out newer."""

    def __init__(self, call: FinishedCall) -> None:
        self.call = call
        self.task = call.task
        self.payment = call.payment
        self.state: PaymentState | None = call.payment.state
        self.events: tuple[PaymentEvent, ...] = ()
        self._refusal: str | None = None

    def decide(self, payment: LoadedPayment) -> Sequence[PaymentEvent]:
        """Return the events to append to the payment as it is now."""
        self.payment, self.state, self.events, self._refusal = payment, payment.state, (), None
        observations = _observations(self.call)
        if not observations:
            return ()
        try:
            observed = observe(payment.state, observations)
        except DomainError as error:
            self._refusal = f"{type(error).__name__}: {error}"
            return ()
        self.state, self.events = observed.state, observed.events
        if observed.contradictions and self.task.operation is not TaskOperation.REFRESH_PAYMENT:
            # The request has no outcome that can be believed: a person has to look.
            self._refusal = "; ".join(observed.contradictions)
        return self.events

    @property
    def contradictions(self) -> int:
        """How many were recorded."""
        return sum(isinstance(event, PaymentContradicted) for event in self.events)

    @property
    def is_done(self) -> bool:
        """Whether the call is over, and what Stripe said can be recorded."""
        return self.call.result.status is TaskStatus.DONE and self._refusal is None

    @property
    def result(self) -> TaskResult:
        """The task's result: dead where the log refuses what Stripe said, or where the request is left open."""
        refusal = self._refusal
        if self.is_done and self._leaves_request_open:
            refusal = "What Stripe said does not tell what became of it."
        return self.call.result if refusal is None else TaskResult.dead(refusal)

    @property
    def _leaves_request_open(self) -> bool:
        """Whether the task would be done and its request would not: it must not end so, whatever led there."""
        requested = requesting_event(self.task, self.payment)
        return requested is not None and self.state is not None and is_open(PAYMENT_CODEC.decode(requested), self.state)


def _observations(call: FinishedCall) -> tuple[PaymentObservation, ...]:
    """Return what is to be recorded: what Stripe said, or that it is not known what it did."""
    task, result = call.task, call.result
    if result.status is TaskStatus.UNKNOWN and not task.outcome_unknown and call.payment.state is not None:
        assert result.error is not None
        event_id = EventId(task.event_id)
        return (RecordOutcomeUnknown(event_id=event_id, operation=task.operation.value, reason=result.error),)
    return result.observations


def requesting_event(task: Task, payment: LoadedPayment) -> RecordedEvent | None:
    """Return the event that requested the call, or None when it is not among the payment's events."""
    return next((event for event in payment.events if event.event_id == task.event_id), None)


def unknown_since(task: Task, payment: LoadedPayment) -> datetime | None:
    """Return when it was first recorded that the outcome of the task's call is unknown, or None."""
    for event in payment.events:
        if event.type == _OUTCOME_UNKNOWN:
            unknown = PAYMENT_CODEC.decode(event)
            if isinstance(unknown, TaskOutcomeUnknown) and unknown.event_id == task.event_id:
                return event.recorded_at
    return None


def is_superseded(requested: PaymentEvent, version: int, payment: LoadedPayment) -> bool:
    """Whether `requested`, at `version`, is a confirmation, and a later one takes its place."""
    if not isinstance(requested, PaymentConfirmationRequested):
        return False
    later = (PAYMENT_CODEC.decode(event) for event in payment.events if event.version > version)
    return any(isinstance(event, PaymentConfirmationRequested) for event in later)

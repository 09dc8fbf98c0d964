"""Calls to Stripe that do not end by themselves: their unknown outcomes, and what operators do about them.

Not for: the calls themselves, which the gateway makes. A call that was given up is never made again, since its amount
may be reserved by another request; so giving up is recorded once, before what follows from it.
"""

from domain.payment.commands import GiveUpTask, RetryTask
from domain.payment.errors import InvalidPaymentRequest, TaskAlreadyGivenUp
from domain.payment.events import TaskGivenUp, TaskOutcomeUnknown, TaskRetried, TaskUndone
from domain.payment.observations import RecordOutcomeUnknown, RecordUndone
from domain.payment.state import PaymentState


def record_unknown(observed: RecordOutcomeUnknown) -> tuple[TaskOutcomeUnknown]:
    """Record each call whose outcome is unknown."""
    return (TaskOutcomeUnknown(event_id=observed.event_id, operation=observed.operation, reason=observed.reason),)


def record_undone(state: PaymentState, observed: RecordUndone) -> tuple[TaskUndone, ...]:
    """Record once that the late effect of a call was undone."""
    if observed.intent_id in state.intents_undone:
        return ()
    return (
        TaskUndone(
            event_id=observed.event_id,
            intent_id=observed.intent_id,
            how=observed.how,
            amount=observed.amount,
            charge_id=observed.charge_id,
            refunds=observed.refunds,
        ),
    )


def retry(state: PaymentState, command: RetryTask) -> tuple[TaskRetried]:
    """Record each retry. Raises TaskAlreadyGivenUp."""
    _check_actor_and_reason(command)
    if command.event_id in state.tasks_given_up:
        raise TaskAlreadyGivenUp(payment_id=state.payment_id, event_id=command.event_id)
    return (
        TaskRetried(event_id=command.event_id, operation=command.operation, actor=command.actor, reason=command.reason),
    )


def give_up(state: PaymentState, command: GiveUpTask) -> tuple[TaskGivenUp, ...]:
    """Record once that a call was given up."""
    _check_actor_and_reason(command)
    if command.event_id in state.tasks_given_up:
        return ()
    return (
        TaskGivenUp(event_id=command.event_id, operation=command.operation, actor=command.actor, reason=command.reason),
    )


def _check_actor_and_reason(command: RetryTask | GiveUpTask) -> None:
    for field, text in (("actor", command.actor), ("reason", command.reason)):
        if not text.strip():
            raise InvalidPaymentRequest(field, "must not be empty")

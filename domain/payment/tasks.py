"""Calls to Stripe that do not come to an end by themselves: that it is so, and what operators do about it.

Not for: the calls, which the gateway knows. A call that was given up is never made again, since what it held may
have been given to another; so giving up is recorded once, and before what follows from it.
"""

from domain.payment.commands import GiveUpTask, RetryTask
from domain.payment.errors import InvalidPaymentRequest, TaskAlreadyGivenUp
from domain.payment.events import TaskGivenUp, TaskOutcomeUnknown, TaskRetried, TaskUndone
from domain.payment.facts import RecordOutcomeUnknown, RecordUndone
from domain.payment.state import PaymentState


def record_unknown(fact: RecordOutcomeUnknown) -> tuple[TaskOutcomeUnknown]:
    """Note each time that a call came to no known end."""
    return (TaskOutcomeUnknown(event_id=fact.event_id, operation=fact.operation, reason=fact.reason),)


def record_undone(state: PaymentState, fact: RecordUndone) -> tuple[TaskUndone, ...]:
    """Note once that what a call had made after all was undone."""
    if fact.intent_id in state.intents_undone:
        return ()
    return (TaskUndone(event_id=fact.event_id, intent_id=fact.intent_id, how=fact.how, amount=fact.amount),)


def retry(state: PaymentState, command: RetryTask) -> tuple[TaskRetried]:
    """Note each time that a call was tried again. Raises TaskAlreadyGivenUp."""
    _check_said(command)
    if command.event_id in state.tasks_given_up:
        raise TaskAlreadyGivenUp(payment_id=state.payment_id, event_id=command.event_id)
    return (TaskRetried(event_id=command.event_id, operation=command.operation, who=command.who, why=command.why),)


def give_up(state: PaymentState, command: GiveUpTask) -> tuple[TaskGivenUp, ...]:
    """Note once that a call was given up."""
    _check_said(command)
    if command.event_id in state.tasks_given_up:
        return ()
    return (TaskGivenUp(event_id=command.event_id, operation=command.operation, who=command.who, why=command.why),)


def _check_said(command: RetryTask | GiveUpTask) -> None:
    for field, text in (("who", command.who), ("why", command.why)):
        if not text.strip():
            raise InvalidPaymentRequest(field, "must not be empty")

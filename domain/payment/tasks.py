"""What operators do about calls to Stripe that do not come to an end by themselves: written down, with who and why.

Not for: the calls, which the gateway knows. A call that was given up is never made again, since what it held may
have been given to another; so giving up is recorded once, and before what follows from it.
"""

from domain.payment.commands import GiveUpTask, RetryTask
from domain.payment.errors import InvalidPaymentRequest, TaskAlreadyGivenUp
from domain.payment.events import TaskGivenUp, TaskRetried
from domain.payment.state import PaymentState


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

"""Which events follow from a command or an observation. Events come into being nowhere else.

Pure: the same state and command give the same events. No events means that there is nothing new; a
DomainError means no. Rules are in requests (what clients request of a charge), refunds, disputes, tasks (calls that
do not end), intents (what Stripe says of a charge), and contradictions (what an operator accepts all the same).
"""

from typing import assert_never

from domain.payment import contradictions, disputes, intents, refunds, requests, tasks
from domain.payment.commands import (
    AcceptStripe,
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    GiveUpTask,
    OperatorCommand,
    PaymentCommand,
    RequestPayment,
    RequestRefund,
    RetryTask,
)
from domain.payment.errors import PaymentAlreadyExists, PaymentIsLeg, PaymentUnknown
from domain.payment.events import PaymentEvent
from domain.payment.observations import (
    PaymentObservation,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordDispute,
    RecordOutcomeUnknown,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordUndone,
)
from domain.payment.state import PaymentState


def decide(state: PaymentState | None, command: PaymentCommand) -> tuple[PaymentEvent, ...]:
    """Return the events to append, in order and in one append.

    Raises a subclass of PaymentError or of the errors of money. On a payment that exists, an observation raises
    InconsistentObservation and nothing else; a command never raises it.
    """
    if isinstance(command, RequestPayment):
        if state is not None:
            raise PaymentAlreadyExists(payment_id=state.payment_id)
        return requests.request_payment(command)
    if state is None:
        raise PaymentUnknown
    return (
        _decide_observation(state, command)
        if isinstance(command, PaymentObservation)
        else _decide_command(state, command)
    )


def _decide_command(  # noqa: PLR0911 - one line per kind
    state: PaymentState,
    command: ConfirmPayment | CapturePayment | CancelPayment | RequestRefund | OperatorCommand,
) -> tuple[PaymentEvent, ...]:
    if isinstance(command, CapturePayment | CancelPayment | RequestRefund):
        _check_in_whose_name(state, command)
    match command:
        case ConfirmPayment():
            return requests.confirm(state, command)
        case CapturePayment():
            return requests.capture(state, command)
        case CancelPayment():
            return requests.cancel(state, command)
        case RequestRefund():
            return refunds.request_refund(state, command)
        case RetryTask():
            return tasks.retry(state, command)
        case GiveUpTask():
            return tasks.give_up(state, command)
        case AcceptStripe():
            return contradictions.accept(state, command)
        case _:
            assert_never(command)


def _check_in_whose_name(state: PaymentState, command: CapturePayment | CancelPayment | RequestRefund) -> None:
    """Raise PaymentIsLeg unless the command comes from the payment's split payment, if it has one."""
    if state.split_payment_id is not None and command.split_payment_id != state.split_payment_id:
        raise PaymentIsLeg(payment_id=state.payment_id, split_payment_id=state.split_payment_id)


def _decide_observation(state: PaymentState, observed: PaymentObservation) -> tuple[PaymentEvent, ...]:  # noqa: PLR0911 - one line per kind
    match observed:
        case RecordCaptureFailed():
            return requests.record_capture_failed(state, observed)
        case RecordCancelFailed():
            return requests.record_cancel_failed(state, observed)
        case RecordRefundFound():
            return refunds.record_found(state, observed)
        case RecordRefundPending() | RecordRefundSucceeded() | RecordRefundFailed():
            return refunds.record(state, observed)
        case RecordOutcomeUnknown():
            return tasks.record_unknown(observed)
        case RecordUndone():
            return tasks.record_undone(state, observed)
        case RecordDispute():
            return disputes.record(state, observed)
        case _:
            return intents.record(state, observed)

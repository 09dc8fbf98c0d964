"""What follows from a command or a fact: the one door through which events come into being.

Pure: the same state and command give the same events. No events means that there is nothing new; a
DomainError means no. Rules are in requests (what clients ask of a charge), refunds, disputes, tasks (calls that
come to no end), intent_facts (what Stripe says of a charge), and contradictions (what is to be believed all the same).
"""

from typing import assert_never

from domain.payment import contradictions, disputes, intent_facts, refunds, requests, tasks
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
from domain.payment.errors import PaymentAlreadyExists, PaymentUnknown
from domain.payment.events import PaymentEvent
from domain.payment.facts import (
    PaymentFact,
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
    """Give the events to append, in order; they belong into one append.

    Raises a subclass of PaymentError or of the errors of money. InconsistentFact is raised by facts only, and
    is the only thing they raise on a payment that exists.
    """
    if isinstance(command, RequestPayment):
        if state is not None:
            raise PaymentAlreadyExists(payment_id=state.payment_id)
        return requests.request_payment(command)
    if state is None:
        raise PaymentUnknown
    return _learn(state, command) if isinstance(command, PaymentFact) else _grant(state, command)


def _grant(  # noqa: PLR0911 - one line per kind
    state: PaymentState,
    command: ConfirmPayment | CapturePayment | CancelPayment | RequestRefund | OperatorCommand,
) -> tuple[PaymentEvent, ...]:
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


def _learn(state: PaymentState, fact: PaymentFact) -> tuple[PaymentEvent, ...]:  # noqa: PLR0911 - one line per kind
    match fact:
        case RecordCaptureFailed():
            return requests.record_capture_failed(state, fact)
        case RecordCancelFailed():
            return requests.record_cancel_failed(state, fact)
        case RecordRefundFound():
            return refunds.record_found(state, fact)
        case RecordRefundPending() | RecordRefundSucceeded() | RecordRefundFailed():
            return refunds.record(state, fact)
        case RecordOutcomeUnknown():
            return tasks.record_unknown(fact)
        case RecordUndone():
            return tasks.record_undone(state, fact)
        case RecordDispute():
            return disputes.record(state, fact)
        case _:
            return intent_facts.record(state, fact)

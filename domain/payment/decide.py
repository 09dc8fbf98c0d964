"""What follows from a command or a fact: the one door through which events come into being.

Pure: the same state and command give the same events. No events means that there is nothing new; a
DomainError means no. Rules are in requests (what clients ask of a charge), refunds, and intent_facts (what
Stripe says of a charge).
"""

from domain.payment import intent_facts, refunds, requests
from domain.payment.commands import (
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    PaymentCommand,
    RequestPayment,
    RequestRefund,
)
from domain.payment.errors import PaymentAlreadyExists, PaymentUnknown
from domain.payment.events import PaymentEvent
from domain.payment.facts import (
    PaymentFact,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordRefundFailed,
    RecordRefundPending,
    RecordRefundSucceeded,
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
    return _decide_on(state, command)


def _decide_on(  # noqa: PLR0911 - one line per kind of command
    state: PaymentState,
    command: ConfirmPayment | CapturePayment | CancelPayment | RequestRefund | PaymentFact,
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
        case RecordCaptureFailed():
            return requests.record_capture_failed(state, command)
        case RecordCancelFailed():
            return requests.record_cancel_failed(state, command)
        case RecordRefundPending() | RecordRefundSucceeded() | RecordRefundFailed():
            return refunds.record(state, command)
        case _:
            return intent_facts.record(state, command)

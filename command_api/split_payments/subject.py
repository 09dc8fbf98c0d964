"""Split payments, as what operations are about."""

import structlog

from command_api.commands.client_operation import ClientOperation, Subject
from command_api.errors import SplitPaymentBusy, SplitPaymentNotFound
from command_api.split_payments.operations import original_ids
from domain.split_payment.decide import decide
from domain.split_payment.state import SplitPaymentState
from event_store.split_payments import SPLIT_PAYMENT

log = structlog.get_logger(__name__)


def record_accepted(operation: ClientOperation, state: SplitPaymentState) -> None:
    """Log a command whose events are committed."""
    log.info(
        "split_command_accepted",
        command=operation.name,
        split_payment_id=str(state.split_payment_id),
        legs=len(state.legs),
        amount_cents=state.amount.amount_cents,
        currency=state.amount.currency,
    )


SPLIT_PAYMENTS = Subject(
    aggregate=SPLIT_PAYMENT,
    decide=decide,
    not_found=SplitPaymentNotFound,
    busy=SplitPaymentBusy,
    original_ids=original_ids,
    has_personal_data=lambda body: bool(body.get("metadata")),
    record_accepted=record_accepted,
)

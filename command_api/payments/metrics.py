"""What is counted and logged of commands for payments, beside what is counted of all commands."""

import structlog
from prometheus_client import Counter

from command_api.commands.client_operation import ClientOperation
from command_api.payments.operations import Create, RefundPayment
from domain.payment.state import PaymentState
from infra.errors import Unavailable

log = structlog.get_logger(__name__)

PAYMENT_REQUESTS = Counter(
    "payment_requests_total",
    "Well-formed requests to create a payment: accepted, replayed, refused, unavailable, error",
    ["status"],
)
PAYMENTS_CREATED = Counter("payments_created_total", "Payments accepted", ["currency"])
REFUNDS_REQUESTED = Counter("refunds_requested_total", "Refunds accepted")


def record_result(operation: ClientOperation, result: str, error: Exception | None) -> None:
    """Count requests to create a payment by their result. `error` is what it was refused or failed with, if any."""
    if isinstance(operation, Create):
        failed = "unavailable" if isinstance(error, Unavailable) else "refused"
        PAYMENT_REQUESTS.labels(result if error is None else failed).inc()


def record_accepted(operation: ClientOperation, state: PaymentState) -> None:
    """Log and count a command whose events are committed; a replay is not counted again."""
    match operation:
        case Create():
            PAYMENTS_CREATED.labels(state.amount.currency).inc()
            log.info(
                "payment_accepted",
                payment_id=str(state.payment_id),
                user_id=state.user_id,
                amount_cents=state.amount.amount_cents,
                currency=state.amount.currency,
            )
        case RefundPayment():
            REFUNDS_REQUESTED.inc()
            log.info(
                "refund_accepted",
                payment_id=str(state.payment_id),
                user_id=state.user_id,
                refund_id=str(operation.refund_id),
                amount_cents=state.refunds[operation.refund_id].amount.amount_cents,
                currency=state.amount.currency,
            )
        case _:
            log.info(
                "command_accepted",
                command=operation.name,
                payment_id=str(state.payment_id),
                user_id=state.user_id,
            )

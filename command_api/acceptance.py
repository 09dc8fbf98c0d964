"""Logs and counts the commands that were accepted."""

import structlog

from command_api.metrics import PAYMENTS_CREATED, REFUNDS_REQUESTED
from command_api.operations import Create, Operation, RefundPayment
from domain.payment.state import PaymentState

log = structlog.get_logger(__name__)


def record_accepted(operation: Operation, state: PaymentState) -> None:
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

"""What is counted and logged of commands."""

import structlog
from prometheus_client import Counter, Histogram

from command_api.operation import ClientOperation
from command_api.payments.operations import Create, RefundPayment
from domain.payment.state import PaymentState
from infra.errors import Unavailable

log = structlog.get_logger(__name__)

COMMANDS = Counter(
    "commands_total",
    "Commands by what became of them: accepted, replayed, or the code of the error",
    ["command", "result"],
)
COMMAND_DURATION = Histogram(
    "command_duration_seconds",
    "Time from a valid request to its record in the event store, without waiting for Stripe",
    ["command"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PAYMENT_REQUESTS = Counter(
    "payment_requests_total",
    "Well-formed requests to create a payment: accepted, replayed, refused, unavailable, error",
    ["status"],
)
PAYMENTS_CREATED = Counter("payments_created_total", "Payments accepted", ["currency"])
REFUNDS_REQUESTED = Counter("refunds_requested_total", "Refunds accepted")
REPLAYS = Counter("idempotency_replays_total", "Stored answers given again, by where they were found", ["source"])
CACHE_HITS = Counter("idempotency_cache_hits_total", "Stored answers given again that Redis had")
REDIS_UNAVAILABLE = Counter(
    "idempotency_redis_unavailable_total", "Uses of the idempotency cache that went without, PostgreSQL deciding alone"
)


def record_result(operation: ClientOperation, result: str, seconds: float, error: Exception | None) -> None:
    """Count a command by its result, and how long it took. `error` is what it was refused or failed with, if any."""
    COMMANDS.labels(operation.name, result).inc()
    COMMAND_DURATION.labels(operation.name).observe(seconds)
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

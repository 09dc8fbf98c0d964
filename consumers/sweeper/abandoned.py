"""Gives up payments that their customers have left: asks for their cancellation, as a client would.

An intent that waits for its customer is never done with by itself: Stripe keeps it open, and it would be read again and
again for ever. Stripe may be asked to cancel it, with the reason `abandoned`:
https://docs.stripe.com/api/payment_intents/cancel.
"""

from collections.abc import Sequence

import structlog

from consumers.sweeper import metrics
from domain.errors import DomainError
from domain.ids import PaymentId, RequestId
from domain.payment.commands import CancelPayment
from domain.payment.decide import decide
from domain.payment.events import PaymentEvent
from domain.payment.state import PaymentState
from domain.payment.values import CancellationReason, PaymentStatus
from event_store.decide import StillConflicting, StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.payments import PAYMENT, LoadedPayment, load_payment
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool
from schemas.envelope import EventMetadata
from schemas.errors import SchemaError

log = structlog.get_logger(__name__)

ACTOR = "sweeper"
WAITS_FOR_CUSTOMER = frozenset(
    {PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION, PaymentStatus.REQUIRES_ACTION}
)


async def cancel_abandoned(pool: Pool, payment_ids: Sequence[PaymentId], *, correlation_id: str) -> set[PaymentId]:
    """Ask for the cancellation of those that may be canceled now; return which.

    Each in a transaction of its own: a payment that cannot be read fails alone, and is left as it is. One that changes
    at this moment is decided on again.
    """
    canceled: set[PaymentId] = set()
    for payment_id in payment_ids:
        async with pool.connection() as conn, conn.transaction():
            if await _cancel(conn, payment_id, correlation_id):
                canceled.add(payment_id)
    metrics.ABANDONED.inc(len(canceled))
    return canceled


async def _cancel(conn: Connection, payment_id: PaymentId, correlation_id: str) -> bool:
    def cancel(payment: LoadedPayment) -> Sequence[PaymentEvent]:
        if payment.state is None or not is_left(payment.state):
            return ()
        return decide(payment.state, CancelPayment(request_id=request_id, reason=CancellationReason.ABANDONED))

    request_id = RequestId(uuid7())
    try:
        payment = await load_payment(conn, payment_id)
        if payment.state is None:
            return False
        metadata = EventMetadata(correlation_id=correlation_id, actor=ACTOR, merchant_id=payment.state.merchant_id)
        command = StreamCommand(stream_id=payment_id, metadata=metadata, decide=cancel, loaded=payment)
        decided = await decide_and_append(ConnectionLog(conn), PAYMENT, [command])
    except (DomainError, SchemaError, StillConflicting) as error:
        log.info("sweeper_leaves_payment", payment_id=str(payment_id), reason=f"{type(error).__name__}: {error}")
        return False
    return bool(decided[payment_id].events)


def is_left(payment: PaymentState) -> bool:
    """Whether the next step is the customer's, and nothing that we asked of Stripe is under way.

    A leg is its split payment's to give up.
    """
    if payment.split_payment_id is not None:
        return False
    is_requested = payment.confirmation_requested or payment.cancel_requested is not None
    return payment.status in WAITS_FOR_CUSTOMER and not is_requested

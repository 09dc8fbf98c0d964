"""Gives up payments that their customers have left: asks for their cancellation, as a client would.

An intent that waits for its customer is never done with by itself: Stripe keeps it open, and it would be read again and
again for ever. Stripe may be asked to cancel it, with the reason `abandoned`:
https://docs.stripe.com/api/payment_intents/cancel.
"""

from collections.abc import Sequence
from uuid import UUID

import structlog

from consumers.sweeper import metrics
from domain.errors import DomainError
from domain.ids import RequestId
from domain.payment.commands import CancelPayment
from domain.payment.decide import decide
from domain.payment.state import PaymentState
from domain.payment.values import CancellationReason, PaymentStatus
from event_store.appends import Append, Appended
from event_store.payments import load_payment
from event_store.store import append
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool
from schemas.envelope import EventMetadata
from schemas.errors import SchemaError
from schemas.events import PAYMENT_CODEC
from schemas.events.payment_events import CATEGORY

log = structlog.get_logger(__name__)

ACTOR = "sweeper"
WAITS_FOR_CUSTOMER = frozenset(
    {PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION, PaymentStatus.REQUIRES_ACTION}
)


async def cancel_abandoned(pool: Pool, payment_ids: Sequence[UUID], *, correlation_id: str) -> set[UUID]:
    """Ask for the cancellation of those that may be canceled now; return which.

    Each in a transaction of its own: a payment that changes at this moment, or that cannot be read, fails alone, and
    is left as it is.
    """
    asked: set[UUID] = set()
    for payment_id in payment_ids:
        async with pool.connection() as conn, conn.transaction():
            if await _cancel(conn, payment_id, correlation_id):
                asked.add(payment_id)
    metrics.ABANDONED.inc(len(asked))
    return asked


async def _cancel(conn: Connection, payment_id: UUID, correlation_id: str) -> bool:
    try:
        payment = await load_payment(conn, payment_id)
        if payment.state is None or not is_left(payment.state):
            return False
        command = CancelPayment(request_id=RequestId(uuid7()), reason=CancellationReason.ABANDONED)
        events = decide(payment.state, command)
    except (DomainError, SchemaError) as error:
        log.info("sweeper_leaves_payment", payment_id=str(payment_id), reason=f"{type(error).__name__}: {error}")
        return False
    metadata = EventMetadata(correlation_id=correlation_id, actor=ACTOR, merchant_id=payment.state.merchant_id)
    wanted = Append(
        stream_id=payment_id,
        category=CATEGORY,
        merchant_id=payment.state.merchant_id,
        expected_version=payment.version,
        events=tuple(PAYMENT_CODEC.encode(event, event_id=uuid7(), metadata=metadata) for event in events),
    )
    (result,) = await append(conn, [wanted])
    return isinstance(result, Appended)


def is_left(payment: PaymentState) -> bool:
    """Whether the next step is the customer's, and nothing that we asked of Stripe is under way."""
    is_asked = payment.confirmation_requested or payment.cancel_requested is not None
    return payment.status in WAITS_FOR_CUSTOMER and not is_asked

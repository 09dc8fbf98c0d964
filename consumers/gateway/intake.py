"""From events to tasks: which events ask for a Stripe call, and for which."""

from collections.abc import Mapping, Sequence

from consumers.tasks.models import NewTask, TaskOperation
from consumers.tasks.store import insert_tasks
from domain.ids import PaymentId
from infra.postgres.pool import Connection
from schemas.cloudevents import Delivered
from schemas.envelope import RecordedEvent
from schemas.events import PAYMENT_CODEC

NAME = "stripe-gateway"
"""The process, and the consumer that its checkpoints and dead letters are of."""
_OPERATIONS: Mapping[str, TaskOperation] = {
    "payment.requested": TaskOperation.CREATE_INTENT,
    "payment.confirmation_requested": TaskOperation.CONFIRM_INTENT,
    "payment.capture_requested": TaskOperation.CAPTURE_INTENT,
    "payment.cancel_requested": TaskOperation.CANCEL_INTENT,
    "payment.refund_requested": TaskOperation.CREATE_REFUND,
}
REQUESTS = tuple(_OPERATIONS)
"""The types of the events that ask for a call."""


def task_of(event: RecordedEvent) -> NewTask | None:
    """Return the task that an event asks for, or None when it asks for nothing.

    Raises SchemaError for an event that this code cannot read: it may ask for something, so it must not be
    passed over.
    """
    PAYMENT_CODEC.decode(event)
    operation = _OPERATIONS.get(event.type)
    if operation is None:
        return None
    return NewTask(
        event_id=event.event_id,
        payment_id=PaymentId(event.stream_id),
        merchant_id=event.metadata.merchant_id,
        operation=operation,
        position=event.position,
        correlation_id=event.metadata.correlation_id,
        traceparent=event.metadata.traceparent,
    )


async def write_tasks(conn: Connection, messages: Sequence[Delivered]) -> None:
    """Write the tasks that a batch of events asks for, in the transaction of the batch's checkpoint."""
    tasks = [task for message in messages if (task := task_of(message.event)) is not None]
    if tasks:
        await insert_tasks(conn, tasks)

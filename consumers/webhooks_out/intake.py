"""From recorded events to deliveries: in the transaction of the batch's checkpoint, once an endpoint and event."""

from collections.abc import Sequence

from consumers.webhooks_out.store import ActiveEndpoint, NewDelivery, active_endpoints, add
from domain.ids import PaymentId
from infra.postgres.pool import Connection
from schemas.cloudevents import Delivered
from schemas.envelope import RecordedEvent

NAME = "webhooks-out"
"""The process, the consumer that its checkpoints and dead letters are of, and the actor of what it records."""


def delivery_of(event: RecordedEvent, endpoint: ActiveEndpoint) -> NewDelivery:
    """Return the delivery of an event to an endpoint."""
    return NewDelivery(
        endpoint_id=endpoint.endpoint_id,
        event_id=event.event_id,
        payment_id=PaymentId(event.stream_id),
        version=event.version,
        position=event.position,
        event_type=event.type,
    )


def wants(endpoint: ActiveEndpoint, event: RecordedEvent) -> bool:
    """Return whether an endpoint gets an event: of a type that it asked for, recorded since it is enabled."""
    is_chosen = not endpoint.event_types or event.type in endpoint.event_types
    return is_chosen and event.recorded_at >= endpoint.active_since


async def write_deliveries(conn: Connection, messages: Sequence[Delivered]) -> None:
    """Write what a batch of events has to be delivered to."""
    endpoints = await active_endpoints(conn, {message.event.metadata.merchant_id for message in messages})
    if not endpoints:
        return
    deliveries = [
        delivery_of(message.event, endpoint)
        for message in messages
        for endpoint in endpoints.get(message.event.metadata.merchant_id, ())
        if wants(endpoint, message.event)
    ]
    if deliveries:
        await add(conn, deliveries)

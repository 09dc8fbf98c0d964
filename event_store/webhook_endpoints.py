"""What the log has of webhook endpoints: that nothing is sent to one any more."""

from collections.abc import Sequence
from uuid import uuid4

from domain.ids import MerchantId
from domain.webhook_endpoint import WebhookEndpointDisabled, WebhookEndpointEvent
from event_store.decide import StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.store import Connection
from event_store.streams import Aggregate, LoadedStream
from schemas.envelope import EventMetadata
from schemas.events import WEBHOOK_ENDPOINT_CODEC


def _newest(_: WebhookEndpointEvent | None, event: WebhookEndpointEvent) -> WebhookEndpointEvent:
    return event


WEBHOOK_ENDPOINT = Aggregate[WebhookEndpointEvent, WebhookEndpointEvent](codec=WEBHOOK_ENDPOINT_CODEC, evolve=_newest)


async def record_disabled(
    connection: Connection, event: WebhookEndpointDisabled, *, merchant_id: MerchantId, actor: str
) -> None:
    """Append the event; the caller commits, with the row that it is about."""

    def decide(_: LoadedStream[WebhookEndpointEvent]) -> Sequence[WebhookEndpointEvent]:
        return [event]

    metadata = EventMetadata(correlation_id=str(uuid4()), actor=actor, merchant_id=merchant_id)
    # Not StreamCommand[...](...): Python 3.11 cannot call that of a class with slots.
    command: StreamCommand[WebhookEndpointEvent, WebhookEndpointEvent] = StreamCommand(
        stream_id=event.endpoint_id, metadata=metadata, decide=decide
    )
    await decide_and_append(ConnectionLog(connection), WEBHOOK_ENDPOINT, [command])

"""What is sent: the body of each delivery, read from the log when it is made, and nothing personal that was erased."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from consumers.webhooks_out.store import LeasedDelivery
from domain.payment.events import PaymentEvent, PaymentRequested
from domain.personal_data import PersonalDataErased, without_members, without_text
from event_store.privacy.vault import AnyVault
from event_store.store import load_many
from infra.postgres.pool import Connection
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError
from schemas.events import PAYMENT_CODEC
from schemas.http.webhook_messages import webhook_body

log = structlog.get_logger(__name__)

_ERASED = "payment.personal_data_erased"


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """What a delivery sends. `content` is None where the event is not there, or cannot be read."""

    content: bytes | None
    is_of_erased: bool = False
    """Whether personal data of the payment was erased: what the endpoint answers may repeat what it had before."""


async def read_bodies(conn: Connection, deliveries: Sequence[LeasedDelivery], vault: AnyVault) -> list[Body]:
    """Return the body of each delivery.

    Personal data is in clear, as the merchant sees it in the query API. What was erased since is not in it, whether the
    log has it encrypted or, from before that, in clear.
    """
    if not deliveries:
        return []
    streams = await load_many(conn, list({each.payment_id for each in deliveries}))
    to_send = {each.event_id for each in deliveries}
    found = [event for stream in streams.values() for event in stream if event.event_id in to_send]
    events = {event.event_id: event for event in await vault.decrypt(found)}
    return [_body(events.get(each.event_id), streams[each.payment_id], each) for each in deliveries]


def _body(event: RecordedEvent | None, stream: Sequence[RecordedEvent], delivery: LeasedDelivery) -> Body:
    try:
        erased = _erased_fields(stream)
        content = None if event is None else webhook_body(event, _without(PAYMENT_CODEC.decode(event), erased))
    except SchemaError as error:
        log.warning("webhook_event_unreadable", event_id=str(delivery.event_id), error=str(error))
        return Body(content=None)
    return Body(content=content, is_of_erased=bool(erased))


def _erased_fields(stream: Sequence[RecordedEvent]) -> frozenset[str]:
    """Return which values of a payment's first event were erased. Raises SchemaError."""
    known = (PAYMENT_CODEC.decode(each) for each in stream if each.type == _ERASED)
    return frozenset(field for each in known if isinstance(each, PersonalDataErased) for field in each.fields)


def _without(event: PaymentEvent, fields: frozenset[str]) -> PaymentEvent:
    if not fields or not isinstance(event, PaymentRequested):
        return event
    return replace(
        event,
        description=without_text(event.description, "/description", fields),
        metadata=without_members(event.metadata, "/metadata", fields),
    )

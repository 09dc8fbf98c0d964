"""From recorded Stripe events to payments that have to be read again: in the transaction of the batch's checkpoint.

No payment is changed here. The gateway reads the payment at Stripe, when none of our calls for it is in flight, and
records what is new.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from consumers.stripe.translate.events import ObjectKind, Reference, reference_of
from consumers.tasks.intent_index import IndexedIntent, find_or_await_intents, index_intents
from consumers.tasks.models import NewRefresh
from consumers.tasks.store import request_refreshes
from consumers.webhooks import metrics
from consumers.webhooks.lookup import payment_id_of, payments_of_intents
from consumers.webhooks.new_information import is_new_information
from domain.ids import PaymentId, StripeIntentId
from domain.payment.state import PaymentState
from event_store.payments import load_payments
from infra.logs import bound_context
from infra.postgres.pool import Connection
from schemas.cloudevents import Delivered
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import StripeEventReceived

log = structlog.get_logger(__name__)


class InterpretationOutcome(StrEnum):
    """What follows from an event."""

    REFRESH = "refresh"
    NOTHING_NEW = "nothing_new"
    UNHANDLED_TYPE = "unhandled_type"
    """No payment depends on it."""
    OTHER_ACCOUNT = "other_account"
    """It is of a connected account; our payments are made on the main account."""
    UNKNOWN_PAYMENT = "unknown_payment"
    """Its object is not ours: another system uses the Stripe account too. Or it arrived before the answer of the call
    that made its intent; the process that records that answer requests a refresh."""
    OTHER_INTENT = "other_intent"
    """It carries the id of a payment of ours that has another intent: a copy made by hand, or a second charge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreted:
    """An event, the payment that it is about, and what follows from it."""

    event: StripeEventReceived
    outcome: InterpretationOutcome
    payment: PaymentState | None = None


class Interpreter:
    """Writes the refreshes that a batch of events needs; logs and counts them when they are committed."""

    def __init__(self) -> None:
        # By position, from the write to the commit. A batch that is rolled back and redelivered overwrites its entries.
        self._uncommitted: dict[int, Interpreted] = {}

    async def write(self, conn: Connection, messages: Sequence[Delivered]) -> None:
        """Interpret new events. Raises SchemaError for one that cannot be read."""
        events = [STRIPE_EVENT_CODEC.decode(message.event) for message in messages]
        interpreted = await interpret(conn, events)
        refreshes = {
            each.payment.payment_id: _refresh(message, each.payment)
            for message, each in zip(messages, interpreted, strict=True)
            if each.outcome is InterpretationOutcome.REFRESH and each.payment is not None
        }
        if refreshes:
            await request_refreshes(conn, list(refreshes.values()))
        self._uncommitted |= zip((message.position for message in messages), interpreted, strict=True)

    def committed(self, batch: Mapping[str, Sequence[Delivered]]) -> None:
        """Count and log what was committed."""
        for messages in batch.values():
            for message in messages:
                if (interpreted := self._uncommitted.pop(message.position, None)) is not None:
                    _log_interpreted(message, interpreted)


async def interpret(conn: Connection, events: Sequence[StripeEventReceived]) -> list[Interpreted]:
    """Return what follows from each event, and index the intents that were found by metadata alone."""
    references = [None if event.account else reference_of(event) for event in events]
    owners = await payments_of_intents(conn, references)
    owners |= await find_or_await_intents(conn, _intents_without_payment(references, owners))
    payment_ids = [payment_id_of(each, owners) for each in references]
    distinct = list({payment_id for payment_id in payment_ids if payment_id})
    loaded = await load_payments(conn, distinct) if distinct else {}
    payments = {payment_id: payment.state for payment_id, payment in loaded.items() if payment.state}
    requested = await index_intents(conn, _intents_to_index(payments.values(), owners))
    return [
        _interpreted(event, reference, payments.get(payment_id) if payment_id else None, requested)
        for event, reference, payment_id in zip(events, references, payment_ids, strict=True)
    ]


def _intents_without_payment(
    references: Iterable[Reference | None], owners: Mapping[StripeIntentId, PaymentId]
) -> set[StripeIntentId]:
    """Return the intents of disputes and refunds whose payment is not known.

    These objects carry no metadata of ours, and can arrive before the answer of the call that made their intent is
    recorded: the process that records it requests a refresh. All other objects carry our id.
    """
    return {
        each.intent_id
        for each in references
        if each is not None
        and each.kind in {ObjectKind.DISPUTE, ObjectKind.REFUND}
        and each.intent_id is not None
        and each.payment_id is None
        and each.intent_id not in owners
    }


def _interpreted(
    event: StripeEventReceived,
    reference: Reference | None,
    payment: PaymentState | None,
    requested: Collection[PaymentId],
) -> Interpreted:
    if event.account:
        return Interpreted(event=event, outcome=InterpretationOutcome.OTHER_ACCOUNT)
    if reference is None:
        return Interpreted(event=event, outcome=InterpretationOutcome.UNHANDLED_TYPE)
    if payment is None:
        return Interpreted(event=event, outcome=InterpretationOutcome.UNKNOWN_PAYMENT)
    if payment.intent_id and reference.intent_id != payment.intent_id:
        return Interpreted(event=event, outcome=InterpretationOutcome.OTHER_INTENT, payment=payment)
    is_new = payment.payment_id in requested or is_new_information(reference, payment)
    outcome = InterpretationOutcome.REFRESH if is_new else InterpretationOutcome.NOTHING_NEW
    return Interpreted(event=event, outcome=outcome, payment=payment)


def _intents_to_index(
    payments: Iterable[PaymentState], owners: Mapping[StripeIntentId, PaymentId]
) -> list[IndexedIntent]:
    return [
        IndexedIntent(intent_id=payment.intent_id, payment_id=payment.payment_id)
        for payment in payments
        if payment.intent_id and payment.intent_id not in owners
    ]


def _refresh(message: Delivered, payment: PaymentState) -> NewRefresh:
    metadata = message.event.metadata
    return NewRefresh(
        payment_id=payment.payment_id,
        merchant_id=payment.merchant_id,
        position=message.position,
        correlation_id=metadata.correlation_id,
        traceparent=metadata.traceparent,
    )


def _log_interpreted(message: Delivered, interpreted: Interpreted) -> None:
    event, payment = interpreted.event, interpreted.payment
    metrics.INTERPRETED.labels(event.type, interpreted.outcome).inc()
    write = log.warning if interpreted.outcome is InterpretationOutcome.OTHER_INTENT else log.info
    with bound_context(
        correlation_id=message.event.metadata.correlation_id,
        request_id=message.event.metadata.request_id,
        payment_id=str(payment.payment_id) if payment else None,
        user_id=payment.user_id if payment else None,
    ):
        write(
            "stripe_event_interpreted",
            stripe_event_id=event.stripe_event_id,
            type=event.type,
            object_id=event.object_id,
            outcome=interpreted.outcome.value,
        )

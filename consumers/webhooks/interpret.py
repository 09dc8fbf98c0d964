"""From recorded events of Stripe to payments that are to be read again: in the transaction of the batch's checkpoint.

No payment is changed here. The gateway reads the payment at Stripe, when no call of ours for it is under way, and
records what is news.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import structlog
from aiokafka import TopicPartition

from consumers.gateway.notes import NewIntent, ask_for_intents, note_intents
from consumers.gateway.tasks import NewRefresh, ask_for_refreshes
from consumers.webhooks import metrics
from consumers.webhooks.find import find_owners, payment_id_of
from consumers.webhooks.handled import Kind, Reference, reference
from consumers.webhooks.news import says_news
from domain.payment.state import PaymentState
from event_store.payments import load_payments
from infra.logs import bound_context
from infra.postgres.pool import Connection
from schemas.cloudevents import Delivered
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import StripeEventReceived

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What is made of an event."""

    REFRESH = "refresh"
    NOTHING_NEW = "nothing_new"
    UNHANDLED_TYPE = "unhandled_type"
    """No payment depends on it."""
    OTHER_ACCOUNT = "other_account"
    """It is of a connected account; our payments are made on our own."""
    UNKNOWN_PAYMENT = "unknown_payment"
    """Its object is not ours: somebody else uses the Stripe account too. Or it came before the answer of the call that
    made its intent; who records that answer has the payment read."""
    OTHER_INTENT = "other_intent"
    """It carries the id of a payment of ours that has another intent: a copy made by hand, or a second charge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreted:
    """An event, the payment that it is about, and what is made of it."""

    event: StripeEventReceived
    outcome: Outcome
    payment: PaymentState | None = None


class Interpreter:
    """Writes the refreshes that a batch of events asks for; tells of them when they are committed."""

    def __init__(self) -> None:
        # By position, from the writing to the commit. A batch that is rolled back and comes again overwrites its own.
        self._uncommitted: dict[int, Interpreted] = {}

    async def write(self, conn: Connection, _: TopicPartition, messages: Sequence[Delivered]) -> None:
        """Interpret new events. Raises SchemaError for one that cannot be read."""
        events = [STRIPE_EVENT_CODEC.decode(message.event) for message in messages]
        interpreted = await interpret(conn, events)
        refreshes = {
            each.payment.payment_id: _refresh(message, each.payment)
            for message, each in zip(messages, interpreted, strict=True)
            if each.outcome is Outcome.REFRESH and each.payment is not None
        }
        if refreshes:
            await ask_for_refreshes(conn, list(refreshes.values()))
        self._uncommitted |= zip((message.position for message in messages), interpreted, strict=True)

    def committed(self, batch: Mapping[str, Sequence[Delivered]]) -> None:
        """Count and log what was committed."""
        for messages in batch.values():
            for message in messages:
                if (interpreted := self._uncommitted.pop(message.position, None)) is not None:
                    _tell(message, interpreted)


async def interpret(conn: Connection, events: Sequence[StripeEventReceived]) -> list[Interpreted]:
    """Say what is made of each event. Notes whose an intent is when only its metadata said so."""
    abouts = [None if event.account else reference(event) for event in events]
    owners = await find_owners(conn, abouts)
    owners |= await ask_for_intents(conn, _unclaimed(abouts, owners))
    payment_ids = [payment_id_of(each, owners) for each in abouts]
    wanted = list({payment_id for payment_id in payment_ids if payment_id})
    loaded = await load_payments(conn, wanted) if wanted else {}
    payments = {payment_id: payment.state for payment_id, payment in loaded.items() if payment.state}
    asked_for = await note_intents(conn, _learned(payments.values(), owners))
    return [
        _interpreted(event, about, payments.get(payment_id) if payment_id else None, asked_for)
        for event, about, payment_id in zip(events, abouts, payment_ids, strict=True)
    ]


def _unclaimed(abouts: Iterable[Reference | None], owners: Mapping[str, UUID]) -> set[str]:
    """Return the intents of disputes and refunds that nobody is known to own.

    They carry no metadata of ours, and can come before the answer of the call that made their intent is recorded: who
    records it is to read the payment again. All other objects carry our id.
    """
    return {
        about.intent_id
        for about in abouts
        if about is not None
        and about.kind in {Kind.DISPUTE, Kind.REFUND}
        and about.intent_id is not None
        and about.payment_id is None
        and about.intent_id not in owners
    }


def _interpreted(
    event: StripeEventReceived, about: Reference | None, payment: PaymentState | None, asked_for: Collection[UUID]
) -> Interpreted:
    if event.account:
        return Interpreted(event=event, outcome=Outcome.OTHER_ACCOUNT)
    if about is None:
        return Interpreted(event=event, outcome=Outcome.UNHANDLED_TYPE)
    if payment is None:
        return Interpreted(event=event, outcome=Outcome.UNKNOWN_PAYMENT)
    if payment.intent_id and about.intent_id != payment.intent_id:
        return Interpreted(event=event, outcome=Outcome.OTHER_INTENT, payment=payment)
    is_news = payment.payment_id in asked_for or says_news(about, payment)
    outcome = Outcome.REFRESH if is_news else Outcome.NOTHING_NEW
    return Interpreted(event=event, outcome=outcome, payment=payment)


def _learned(payments: Iterable[PaymentState], owners: Mapping[str, UUID]) -> list[NewIntent]:
    return [
        NewIntent(intent_id=payment.intent_id, payment_id=payment.payment_id)
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


def _tell(message: Delivered, interpreted: Interpreted) -> None:
    event, payment = interpreted.event, interpreted.payment
    metrics.INTERPRETED.labels(event.type, interpreted.outcome).inc()
    tell = log.warning if interpreted.outcome is Outcome.OTHER_INTENT else log.info
    with bound_context(
        correlation_id=message.event.metadata.correlation_id,
        request_id=message.event.metadata.request_id,
        payment_id=str(payment.payment_id) if payment else None,
        user_id=payment.user_id if payment else None,
    ):
        tell(
            "stripe_event_interpreted",
            stripe_event_id=event.stripe_event_id,
            type=event.type,
            object_id=event.object_id,
            outcome=interpreted.outcome.value,
        )

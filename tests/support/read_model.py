"""Events into the event store, and from there into the read model, without a broker between."""

import random
import uuid
from collections.abc import Sequence

from aiokafka import TopicPartition

from domain.ids import EventId, MerchantId
from domain.payment.events import PaymentEvent
from domain.stripe_balance import StripeBalanceEvent, TransactionRecorded, payout_stream, transaction_stream
from event_store.appends import Append, Appended
from event_store.privacy.vault import Vault
from event_store.store import Connection, append, event_row, load
from infra.postgres.pool import Pool
from projections.registry import PROJECTIONS
from projections.runner import projecting, topics_of
from schemas.envelope import NO_MERCHANT, EventMetadata, RecordedEvent
from schemas.events import BALANCE_CODEC, PAYMENT_CODEC
from schemas.events.balance_events import CATEGORY as BALANCE
from schemas.topics import topic_of
from tests.support.payment_histories import by_partition

MERCHANT = MerchantId("merchant_test")


Stream = tuple[uuid.UUID, Sequence[PaymentEvent]]

_LOG = """
SELECT position, event_id, stream_id, version, category, type, schema_version, data::text AS data, metadata,
       recorded_at
  FROM event_store.events WHERE position > %(after)s ORDER BY position
"""


async def store(
    app: Connection,
    streams: Sequence[Stream],
    *,
    rng: random.Random | None = None,
    merchant_id: MerchantId = MERCHANT,
) -> None:
    """Append streams that do not exist yet and commit. With `rng` they interleave, in appends of some events."""
    waiting = [(stream_id, 0, list(events)) for stream_id, events in streams]
    together: dict[uuid.UUID, Append] = {}  # as many as one round trip takes: of each stream one
    while waiting:
        at = rng.randrange(len(waiting)) if rng else 0
        stream_id, version, events = waiting.pop(at)
        count = rng.randint(1, len(events)) if rng else len(events)
        if stream_id in together:
            await _append_all(app, together)
        together[stream_id] = _append(stream_id, version, events[:count], merchant_id)
        if events[count:]:
            waiting.append((stream_id, version + count, events[count:]))
    await _append_all(app, together)
    await app.commit()


async def _append_all(app: Connection, together: dict[uuid.UUID, Append]) -> None:
    for result in await append(app, list(together.values())):
        assert isinstance(result, Appended)
    together.clear()


def _append(stream_id: uuid.UUID, version: int, events: Sequence[PaymentEvent], merchant_id: MerchantId) -> Append:
    metadata = EventMetadata(
        correlation_id=f"correlation-{stream_id}",
        actor="api:key_test",
        merchant_id=merchant_id,
        request_id="request-1" if version == 0 else None,
    )
    return Append(
        stream_id=stream_id,
        category="payment",
        merchant_id=merchant_id,
        expected_version=version,
        events=tuple(
            PAYMENT_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=metadata) for event in events
        ),
    )


def stream_of(event: StripeBalanceEvent) -> uuid.UUID:
    """Return the stream that an event of Stripe's balance belongs to."""
    if isinstance(event, TransactionRecorded):
        return transaction_stream(event.transaction_id)
    return payout_stream(event.payout_id)


async def store_balance(app: Connection, *events: StripeBalanceEvent) -> None:
    """Append events of Stripe's balance, each after those of its stream, and commit."""
    metadata = EventMetadata(correlation_id="correlation-balance", actor="stripe-balance", merchant_id=NO_MERCHANT)
    for event in events:
        stream_id = stream_of(event)
        version = len(await load(app, stream_id))
        new = BALANCE_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=metadata)
        request = Append(
            stream_id=stream_id, category=BALANCE, merchant_id=NO_MERCHANT, expected_version=version, events=(new,)
        )
        (result,) = await append(app, [request])
        assert isinstance(result, Appended)
    await app.commit()


async def load_log(app: Connection, after: int = 0) -> list[RecordedEvent]:
    """Return every event after a position."""
    async with app.cursor(row_factory=event_row) as cursor:
        await cursor.execute(_LOG, {"after": after})
        return await cursor.fetchall()


async def project_log(
    pool: Pool, log: Sequence[RecordedEvent], *, partitions: int = 1, vault: Vault | None = None
) -> None:
    """Give the whole log, from its first event, to the projector: all of it that any projection is built from."""
    apply, topics = projecting(pool, PROJECTIONS, vault=vault), topics_of(PROJECTIONS)
    for category in sorted({event.category for event in log if topic_of(event.category) in topics}):
        of_category = [event for event in log if event.category == category]
        for number, messages in by_partition(of_category, partitions).items():
            for at in range(0, len(messages), 500):
                result = await apply(TopicPartition(topic_of(category), number), messages[at : at + 500])
                assert result.gap is None

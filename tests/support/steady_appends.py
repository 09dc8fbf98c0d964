"""Events appended at a steady rate while something else goes on: many payments, each a few events long."""

import asyncio
import random
import time
import uuid
from collections.abc import Sequence

from domain.ids import EventId, MerchantId, PaymentId
from domain.payment.events import PaymentEvent
from event_store.appends import Append, Appended
from event_store.store import Connection, append
from infra.ids import uuid7
from schemas.envelope import EventMetadata
from schemas.events import PAYMENT_CODEC
from schemas.events.payment_events import CATEGORY
from tests.support.payment_histories import random_history

MERCHANT = MerchantId("merchant_test")
_ROUNDS_PER_S = 20
_STEPS = 12


class _Payment:
    """A payment whose history is appended event by event."""

    def __init__(self, chance: random.Random) -> None:
        self.id = uuid7()
        self.events: Sequence[PaymentEvent] = random_history(chance, payment_id=PaymentId(self.id), steps=_STEPS)
        self.version = 0

    @property
    def is_over(self) -> bool:
        return self.version == len(self.events)

    def next(self) -> Append:
        event = PAYMENT_CODEC.encode(
            self.events[self.version],
            event_id=EventId(uuid.uuid4()),
            metadata=EventMetadata(correlation_id=f"correlation-{self.id}", actor="test", merchant_id=MERCHANT),
        )
        return Append(
            stream_id=self.id,
            category=CATEGORY,
            merchant_id=MERCHANT,
            expected_version=self.version,
            events=(event,),
        )


async def append_steadily(connection: Connection, stop: asyncio.Event, *, per_second: int, seed: int) -> int:
    """Append `per_second` events a second to payments that interleave, until `stop` is set; return how many."""
    chance = random.Random(seed)
    count, started = 0, time.monotonic()
    share = per_second // _ROUNDS_PER_S
    payments = [_Payment(chance) for _ in range(8 * share)]
    while not stop.is_set():
        chosen = chance.sample(range(len(payments)), share)
        for result in await append(connection, [payments[each].next() for each in chosen]):
            assert isinstance(result, Appended)
        await connection.commit()
        count += share
        for each in chosen:
            payments[each].version += 1
            if payments[each].is_over:
                payments[each] = _Payment(chance)
        behind = started + count / per_second - time.monotonic()
        await asyncio.sleep(max(0.0, behind))  # paces the load
    return count

"""Waits until the answers of our own calls are recorded.

Nearly every event reports what one of our calls has just done, and arrives before the answer of that call is in the
log. If it were interpreted at once, its payment would be read at Stripe needlessly: three more calls for each payment.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from consumers.stripe.translate.events import reference_of
from consumers.webhooks.lookup import has_calls_in_flight
from infra.kafka.consumer.checkpoints import Checkpointed
from infra.kafka.consumer.selection import Applied
from infra.postgres.pool import Pool
from schemas.cloudevents import Delivered
from schemas.errors import SchemaError
from schemas.events import STRIPE_EVENT_CODEC

_POLL_S = 0.05


class WaitForInFlightCalls:
    """An `apply` that first waits, `longest_s` at most, for the calls that the events may be about.

    No connection is held meanwhile. Waiting too short is not an error: it only costs more calls.
    """

    def __init__(self, pool: Pool, apply: Checkpointed[Delivered], *, longest_s: float) -> None:
        self._pool = pool
        self._apply = apply
        self._longest_s = longest_s

    async def __call__(self, partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        """Wait, then apply."""
        await self._wait(messages)
        return await self._apply(partition, messages)

    async def apply_together(
        self, batches: Mapping[TopicPartition, Sequence[Delivered]]
    ) -> Mapping[TopicPartition, Applied]:
        """Wait, then apply all of them."""
        await self._wait([message for messages in batches.values() for message in messages])
        return await self._apply.apply_together(batches)

    async def _wait(self, messages: Sequence[Delivered]) -> None:
        try:
            references = [reference_of(STRIPE_EVENT_CODEC.decode(message.event)) for message in messages]
        except SchemaError:
            return  # applying them finds the faulty one
        if not any(references):
            return
        until = time.monotonic() + self._longest_s
        while time.monotonic() < until:
            await asyncio.sleep(_POLL_S)  # first: the answer is nearly always on its way
            async with self._pool.connection() as conn:
                if not await has_calls_in_flight(conn, references):
                    return

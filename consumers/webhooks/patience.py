"""Lets the answers of our own calls be recorded first.

Nearly every event tells what a call of ours has just done, and comes before its answer is in the log. Interpreted at
once, each would have its payment read at Stripe for nothing: three calls more for every payment.
"""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import TopicPartition

from consumers.webhooks.find import are_calls_under_way
from consumers.webhooks.handled import reference
from infra.kafka.consumer.checkpoints import Applied, Apply
from infra.postgres.pool import Pool
from schemas.cloudevents import Delivered
from schemas.errors import SchemaError
from schemas.events import STRIPE_EVENT_CODEC

_LOOK_EVERY_S = 0.05


class AfterCalls:
    """An `apply` that waits while calls are under way that the batch may be about, `longest_s` at most.

    No connection is held meanwhile. Whether it waited long enough counts for nothing but the number of calls.
    """

    def __init__(self, pool: Pool, apply: Apply[Delivered], *, longest_s: float) -> None:
        self._pool = pool
        self._apply = apply
        self._longest_s = longest_s

    async def __call__(self, partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        """Wait, then apply."""
        await self._wait(messages)
        return await self._apply(partition, messages)

    async def _wait(self, messages: Sequence[Delivered]) -> None:
        try:
            abouts = [reference(STRIPE_EVENT_CODEC.decode(message.event)) for message in messages]
        except SchemaError:
            return  # the one at fault is found when they are applied
        if not any(abouts):
            return
        until = time.monotonic() + self._longest_s
        while time.monotonic() < until:
            async with self._pool.connection() as conn:
                if not await are_calls_under_way(conn, abouts):
                    return
            await asyncio.sleep(_LOOK_EVERY_S)

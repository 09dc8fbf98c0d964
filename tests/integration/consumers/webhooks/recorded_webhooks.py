"""Stripe's webhooks without HTTP and Kafka: recorded by the intake, and interpreted with the checkpoint."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiokafka import TopicPartition

from command_api.webhooks.service import WebhookResult
from consumers.stripe.translate.ids import PAYMENT_ID
from consumers.webhooks.in_flight_calls import WaitForInFlightCalls
from consumers.webhooks.interpret import InterpretationOutcome, Interpreter
from consumers.webhooks.process import NAME
from domain.ids import PaymentId
from event_store.group_commit import GroupCommit
from event_store.store import event_row
from infra.http.context import RequestContext
from infra.kafka.consumer.checkpoints import checkpointed
from infra.kafka.consumer.selection import Applied
from infra.postgres.pool import Pool
from schemas.cloudevents import Delivered
from schemas.topics import STRIPE_EVENT
from tests.support.signed_webhooks import Json, a_stripe_event, an_intake, sign

PARTITION = TopicPartition(STRIPE_EVENT, 0)


class RecordingInterpreter(Interpreter):
    """An interpreter that remembers what was committed."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[InterpretationOutcome] = []

    def committed(self, batch: Mapping[str, Any]) -> None:
        for messages in batch.values():
            self.outcomes += [self._uncommitted[message.position].outcome for message in messages]
        super().committed(batch)


class Webhooks:
    """One process of the command API and one of the interpreter."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._appender = GroupCommit(pool)
        self._intake = an_intake(self._appender)
        self.interpreter = RecordingInterpreter()
        self._once = checkpointed(pool, NAME, self.interpreter.write, committed=self.interpreter.committed)

    async def receive(self, event_type: str, obj: Json, **changes: Any) -> WebhookResult:
        """Record an event, as the endpoint does."""
        return await self.receive_event(a_stripe_event(event_type, obj, **changes))

    async def receive_event(self, event: Json) -> WebhookResult:
        raw = orjson.dumps(event)
        context = RequestContext(request_id="r-1", correlation_id=f"webhook {event['id']}", traceparent=None)
        return await self._intake.receive(raw, sign(raw), context)

    async def delivered(self) -> list[Delivered]:
        """Return every event of Stripe in the log, as they come out of one partition."""
        async with self._pool.connection() as conn, conn.cursor(row_factory=event_row) as cursor:
            await cursor.execute(
                "SELECT position, event_id, stream_id, version, category, type, schema_version, data::text AS data, "
                "metadata, recorded_at FROM event_store.events WHERE category = 'stripe-event' ORDER BY position"
            )
            events = await cursor.fetchall()
        before = [0, *(event.position for event in events)]
        return [Delivered(event=event, previous_position=at) for event, at in zip(events, before, strict=False)]

    async def interpret(self, *, longest_s: float = 0) -> list[InterpretationOutcome]:
        """Deliver everything, the old too, and return what was made of what is new."""
        self.interpreter.outcomes.clear()
        await self.apply(await self.delivered(), longest_s=longest_s)
        return list(self.interpreter.outcomes)

    async def apply(self, messages: list[Delivered], *, longest_s: float = 0) -> Applied:
        return await WaitForInFlightCalls(self._pool, self._once, longest_s=longest_s)(PARTITION, messages)

    async def apply_poll(
        self, batches: Mapping[TopicPartition, list[Delivered]], *, longest_s: float = 0
    ) -> Mapping[TopicPartition, Applied]:
        """Apply what one poll brought of several partitions."""
        return await WaitForInFlightCalls(self._pool, self._once, longest_s=longest_s).apply_together(batches)

    async def close(self) -> None:
        await self._appender.close()


def of_payment(payment_id: PaymentId, **fields: Any) -> Json:
    """Return a member `metadata` as our objects at Stripe have it."""
    return {"metadata": {PAYMENT_ID: str(payment_id)}, **fields}

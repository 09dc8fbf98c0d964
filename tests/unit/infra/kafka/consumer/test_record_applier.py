"""A halted partition logs whose event it is halted at, when that is known."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from aiokafka import TopicPartition
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from domain.ids import PaymentId
from infra.kafka.consumer.checkpoints import Apply
from infra.kafka.consumer.liveness import ConsumerProgress
from infra.kafka.consumer.partition_watch import PartitionWatch
from infra.kafka.consumer.record_applier import RecordApplier
from infra.kafka.consumer.selection import Applied
from infra.kafka.consumer.subscription import Record
from schemas.cloudevents import Delivered, from_kafka, to_kafka
from tests.support.payment_histories import events_of, recorded, request_payment

PARTITION = TopicPartition("t", 0)
PAYMENT_ID = PaymentId(uuid.uuid4())
(EVENT,) = recorded([(PAYMENT_ID, events_of([request_payment(PAYMENT_ID)]))])


class Watch:
    def pause(self, _: TopicPartition) -> None:
        return

    def mark_done(self, _: TopicPartition, **__: object) -> None:
        return


async def refuse(_: TopicPartition, __: Sequence[Delivered]) -> Applied:
    raise ValueError("cannot be")


async def stopped_at(*records: Record, apply: Apply[Delivered] = refuse) -> dict[str, Any]:
    """Take records one of which cannot be applied and return the line that says so."""
    applier = RecordApplier[Delivered](
        name="test", decode=from_kafka, apply=apply, progress=ConsumerProgress(stall_after_s=60), stop=asyncio.Event()
    )
    with capture_logs(processors=[merge_contextvars]) as lines:
        await applier.apply_records(cast("PartitionWatch", Watch()), PARTITION, list(records))
    (line,) = (line for line in lines if line["event"] == "consumer_partition_halted")
    return dict(line)


def a_record(headers: list[tuple[str, bytes]], offset: int = 7) -> Record:
    return cast("Record", SimpleNamespace(key=None, value=EVENT.data, headers=headers, offset=offset))


async def test_the_ids_of_an_event_that_cannot_be_applied_are_in_its_line() -> None:
    line = await stopped_at(a_record(to_kafka(EVENT, 0).headers))
    assert line["payment_id"] == str(PAYMENT_ID)
    assert line["correlation_id"] == EVENT.metadata.correlation_id
    assert line["request_id"] == EVENT.metadata.request_id
    assert line["offset"] == 7


async def test_a_batch_is_halved_until_the_record_at_fault_is_alone() -> None:
    """With a thousand records and one at fault, twenty transactions and not a thousand."""
    calls: list[int] = []

    async def apply(_: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        calls.append(len(messages))
        if any(message.event.type == "payment.bad" for message in messages):
            raise ValueError("cannot be")
        return Applied(applied=len(messages), dropped=0, checkpoint=0)

    events = [replace(EVENT, position=at, type="payment.bad" if at == 700 else EVENT.type) for at in range(1, 1001)]
    records = [a_record(to_kafka(event, event.position - 1).headers, offset=event.position) for event in events]
    assert (await stopped_at(*records, apply=apply))["offset"] == 700
    assert sum(calls) < 4000
    assert len(calls) < 25


async def test_a_record_that_cannot_be_decoded_names_nobody() -> None:
    line = await stopped_at(a_record([("ce_id", b"\xff\xfe")]))
    assert "payment_id" not in line
    assert line["offset"] == 7

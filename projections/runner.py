"""Applies a partition's batch to every projection, in ONE transaction with their checkpoints.

Projections that stand at the same checkpoint therefore always show the same events. One that stands elsewhere
(it was added or rebuilt later) gets what it lacks, and drops what it has.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import TopicPartition

from infra.kafka.checkpoints import Applied, Apply, Selection, lock_checkpoint, move_checkpoint, select_new
from infra.postgres import Connection, Pool
from projections import metrics
from projections.events import DecodedEvent
from projections.projection import Projection
from schemas.cloudevents import Delivered

CONSUMER_PREFIX: Final = "projection:"


def projecting(pool: Pool, projections: Sequence[Projection]) -> Apply[Delivered]:
    """Make the `apply` of the batch runtime (infra.kafka.batches) for these projections of one topic."""

    async def apply(partition: TopicPartition, messages: Sequence[Delivered]) -> Applied:
        async with pool.connection() as conn:
            selections = await project(conn, projections, partition, messages)
        for name, chosen in selections.items():
            if chosen.fresh:
                metrics.applied(name, len(chosen.fresh), chosen.fresh[-1].event)
        return _summary(selections)

    return apply


async def project(
    conn: Connection,
    projections: Sequence[Projection],
    partition: TopicPartition,
    messages: Sequence[Delivered],
) -> dict[str, Selection[Delivered]]:
    """Apply a batch of a partition inside the caller's transaction; return what each projection took of it.

    Raises SchemaError or ProjectionError when an event cannot be applied: the caller must roll back.
    """
    selections: dict[str, Selection[Delivered]] = {}
    decoded: dict[int, DecodedEvent] = {}
    for projection in projections:
        consumer = CONSUMER_PREFIX + projection.name
        chosen = select_new(messages, await lock_checkpoint(conn, consumer, partition))
        selections[projection.name] = chosen
        if chosen.fresh:
            await projection.write(conn, _decode(chosen.fresh, decoded))
            await move_checkpoint(conn, consumer, partition, chosen.checkpoint)
    return selections


def _decode(messages: Sequence[Delivered], known: dict[int, DecodedEvent]) -> list[DecodedEvent]:
    """Decode each event once, however many projections take it; `known`, by position, is added to."""
    for message in messages:
        if message.position not in known:
            known[message.position] = DecodedEvent.of(message.event)
    return [known[message.position] for message in messages]


def _summary(selections: Mapping[str, Selection[Delivered]]) -> Applied:
    """Answer for the projection that got least far: what it lacks has to be delivered again."""
    last = min(selections.values(), key=lambda chosen: (len(chosen.fresh) + chosen.dropped, chosen.dropped))
    return Applied(applied=len(last.fresh), dropped=last.dropped, checkpoint=last.checkpoint, gap=last.gap)

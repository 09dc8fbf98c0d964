"""Applies a partition's batch to every projection, in ONE transaction with their checkpoints.

Projections that stand at the same checkpoint therefore always show the same events. One that stands elsewhere
(it was added or rebuilt later) gets what it lacks, and drops what it has. An event that one of them refuses is a dead
letter for all that would have taken it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import TopicPartition

from infra.kafka.checkpoints import Checkpointed
from infra.postgres import Connection, Pool
from projections import metrics
from projections.events import DecodedEvent
from projections.projection import Projection
from schemas.cloudevents import Delivered

CONSUMER: Final = "projector"
CHECKPOINT_PREFIX: Final = "projection:"


def projecting(pool: Pool, projections: Sequence[Projection]) -> Checkpointed[Delivered]:
    """Make the `apply` of the batch runtime (infra.kafka.batches) for these projections of one topic.

    It raises SchemaError or ProjectionError when an event cannot be applied.
    """
    by_checkpoint = {CHECKPOINT_PREFIX + projection.name: projection for projection in projections}

    async def write(conn: Connection, _: TopicPartition, messages: Mapping[str, Sequence[Delivered]]) -> None:
        decoded: dict[int, DecodedEvent] = {}
        for checkpoint, new in messages.items():
            await by_checkpoint[checkpoint].write(conn, _decode(new, decoded))

    def committed(messages: Mapping[str, Sequence[Delivered]]) -> None:
        for checkpoint, new in messages.items():
            metrics.applied(by_checkpoint[checkpoint].name, len(new), new[-1].event)

    return Checkpointed(pool, CONSUMER, write, names=list(by_checkpoint), committed=committed)


def _decode(messages: Sequence[Delivered], known: dict[int, DecodedEvent]) -> list[DecodedEvent]:
    """Decode each event once, however many projections take it; `known`, by position, is added to."""
    for message in messages:
        if message.position not in known:
            known[message.position] = DecodedEvent.of(message.event)
    return [known[message.position] for message in messages]

"""From recorded events to due sagas: in the transaction of the batch's checkpoint.

An event is a hint that a saga has something to do. What it does, it decides from the log, so events may come twice,
late or in any order. What the runner itself wrote is nothing new to it.
"""

from collections.abc import Mapping, Sequence

from consumers.saga.definition import SagaDefinition
from consumers.saga.store import NewSaga, add, wake
from infra.kafka.consumer.checkpoints import Effects
from infra.postgres.pool import Connection
from schemas.cloudevents import Delivered
from schemas.topics import topic_of

NAME = "sagas"
"""The process, the consumer that its checkpoints and dead letters are of, and the actor of what sagas do."""

Sagas = Mapping[str, SagaDefinition]  # type: ignore[type-arg]
"""The sagas that a runner carries on, by kind."""


def by_kind(sagas: Sequence[SagaDefinition]) -> Sagas:  # type: ignore[type-arg]
    """Return sagas by kind."""
    return {each.kind: each for each in sagas}


def topics_of(sagas: Sagas) -> list[str]:
    """Return the topics of these sagas, and of their participants."""
    codecs = [codec for each in sagas.values() for codec in (each.saga.codec, each.participant.codec)]
    return sorted({topic_of(codec.category) for codec in codecs})


def waking(sagas: Sagas) -> Effects[Delivered]:
    """Return what a batch of events does: it has those sagas looked at that it concerns.

    It raises SchemaError for an event of a saga that cannot be read.
    """
    kinds = {each.category: each for each in sagas.values()}

    async def write(conn: Connection, messages: Sequence[Delivered]) -> None:
        changes = [message.event for message in messages if message.event.metadata.actor != NAME]
        requested = {}
        for event in changes:
            definition = kinds.get(event.category)
            if definition is None:
                continue
            definition.saga.codec.decode(event)
            requested[event.stream_id] = NewSaga(
                saga_id=event.stream_id,
                kind=definition.kind,
                merchant_id=event.metadata.merchant_id,
                correlation_id=event.metadata.correlation_id,
                traceparent=event.metadata.traceparent,
            )
        if requested:
            await add(conn, list(requested.values()))
        concerned = {event.stream_id for event in changes if event.category not in kinds}
        if concerned:
            await wake(conn, concerned)

    return write

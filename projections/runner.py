"""Applies what a poll brought of a topic to every projection of it, in ONE transaction with their checkpoints.

Each topic by itself: payments and Stripe's balance write the same rows of the ledger, and would deadlock otherwise.
Projections at the same checkpoint always show the same events. One at another checkpoint gets the events that it
lacks, and drops those that it has. One without a checkpoint where others have theirs is new: it is left out until a
rebuild (projections.rebuild) has filled its tables, so that nobody has to wait for it. An event that one of them
refuses is a dead letter for all that would have taken it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from event_store.privacy.vault import AnyVault, NoVault
from infra.kafka.consumer.checkpoints import Checkpointed
from infra.postgres.pool import Connection, Pool
from projections import metrics
from projections.events import DecodedBalanceEvent, DecodedEvent, DecodedReconciliationEvent, DecodedSplitPaymentEvent
from projections.projection import Projection
from schemas.cloudevents import Delivered
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT, RECONCILIATION, SPLIT_PAYMENT, STRIPE_BALANCE

CONSUMER: Final = "projector"
CHECKPOINT_PREFIX: Final = "projection:"

DECODE: Mapping[
    str,
    Callable[
        [RecordedEvent], DecodedEvent | DecodedBalanceEvent | DecodedReconciliationEvent | DecodedSplitPaymentEvent
    ],
] = {
    PAYMENT: DecodedEvent.of,
    STRIPE_BALANCE: DecodedBalanceEvent.of,
    RECONCILIATION: DecodedReconciliationEvent.of,
    SPLIT_PAYMENT: DecodedSplitPaymentEvent.of,
}


PERSONAL: Final = frozenset({PAYMENT, SPLIT_PAYMENT})
"""The topics whose personal data the read model shows; of others nobody needs a key."""


def topics_of(projections: Sequence[Projection[Any]]) -> list[str]:
    """Return the topics that these projections are built from."""
    return sorted({projection.topic for projection in projections})


def projecting(
    pool: Pool,
    projections: Sequence[Projection[Any]],
    *,
    applied: Callable[[], None] | None = None,
    vault: AnyVault | None = None,
) -> Checkpointed[Delivered]:
    """Make the `apply` of the batch runtime (infra.kafka.consumer.batch_consumer) for these projections.

    `applied` is called whenever events were applied. `vault` has the keys of personal data, which the read model shows.
    It raises SchemaError, ProjectionError or domain.errors.DomainError when an event cannot be applied.
    """
    by_checkpoint: dict[str, dict[str, Projection[Any]]] = {topic: {} for topic in topics_of(projections)}
    for projection in projections:
        by_checkpoint[projection.topic][CHECKPOINT_PREFIX + projection.name] = projection

    keys = vault or NoVault()

    async def write(conn: Connection, topic: str, messages: Mapping[str, Sequence[Delivered]]) -> None:
        decoded: dict[int, Any] = {}
        for checkpoint, new in messages.items():
            await _decode(DECODE[topic], new, decoded, keys if topic in PERSONAL else NoVault())
            events = [decoded[message.position] for message in new]
            await by_checkpoint[topic][checkpoint].write(conn, events)

    def committed(messages: Mapping[str, Sequence[Delivered]]) -> None:
        for checkpoint, new in messages.items():
            metrics.applied(checkpoint.removeprefix(CHECKPOINT_PREFIX), len(new), new[-1].event)
        if applied is not None:
            applied()

    names = {topic: list(checkpoints) for topic, checkpoints in by_checkpoint.items()}
    return Checkpointed(pool, CONSUMER, write, names=names, committed=committed, topics_apart=True)


async def _decode(
    decode: Callable[[RecordedEvent], Any], messages: Sequence[Delivered], known: dict[int, Any], vault: AnyVault
) -> None:
    """Decode each event once, however many projections take it; `known`, by position, is added to."""
    new = [message.event for message in messages if message.position not in known]
    for event in await vault.decrypt(new):
        known[event.position] = decode(event)

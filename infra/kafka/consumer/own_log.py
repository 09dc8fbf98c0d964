"""What a consumer must know of the log behind its database (`event_store.database_log.DatabaseLog` is one)."""

from collections.abc import Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from infra.errors import InfraError
from infra.kafka.consumer.checkpoints import Delivered

D_contra = TypeVar("D_contra", bound=Delivered, contravariant=True)


class ForeignCluster(InfraError):
    """Kafka holds what was published from another log: this cluster, or this database, was attached by mistake."""

    def __init__(self, ours: UUID, theirs: UUID | None) -> None:
        super().__init__(
            f"Kafka holds events of the log {theirs}, and this database is the log {ours}: nothing is taken from there "
            "and nothing is published to it. Compare KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL."
        )


class OwnLog(Protocol[D_contra]):
    """The log whose events the consumer applies."""

    async def check_origin(self, messages: Sequence[D_contra]) -> None:
        """Raise ForeignCluster when one of the messages is of another log."""
        ...

    async def epoch(self) -> int | None:
        """Return a number that changes when the database may be younger than it was; None: it does not answer."""
        ...

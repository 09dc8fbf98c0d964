"""What a consumer must know of the log behind its database (`event_store.database_log.DatabaseLog` is one)."""

import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from infra.errors import InfraError
from infra.kafka.consumer.selection import Delivered

log = structlog.get_logger(__name__)

_EPOCH_EVERY_S = 5.0

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


class EpochWatch(Generic[D_contra]):
    """Says when the database may be younger than what its consumer has seen of it."""

    def __init__(self, own_log: OwnLog[D_contra], consumer: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`consumer` is for the log line."""
        self._own_log = own_log
        self._consumer = consumer
        self._clock = clock
        self._epoch: int | None = None
        self._read_at = -_EPOCH_EVERY_S

    async def may_be_younger(self) -> bool:
        """Read the epoch, unless that was just done; return whether it is another one than before.

        Also when it is known for the first time: it may have changed before that, while the consumer ran already.
        """
        if self._clock() < self._read_at + _EPOCH_EVERY_S:
            return False
        self._read_at = self._clock()
        before, epoch = self._epoch, await self._own_log.epoch()
        if epoch is None or epoch == before:
            return False
        self._epoch = epoch
        if before is not None:
            log.warning("consumer_database_went_back", consumer=self._consumer, epoch=epoch)
        return True

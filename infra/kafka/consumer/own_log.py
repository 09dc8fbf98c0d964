"""What a consumer must know of the log behind its database (`event_store.own_log.DatabaseLog` is one)."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from infra.kafka.consumer.checkpoints import Delivered

D_contra = TypeVar("D_contra", bound=Delivered, contravariant=True)


class OwnLog(Protocol[D_contra]):
    """The log whose events the consumer applies."""

    async def check_origin(self, messages: Sequence[D_contra]) -> None:
        """Raise ForeignCluster when one of the messages is of another log."""
        ...

    async def epoch(self) -> int | None:
        """Return a number that changes when the database may be younger than it was; None: it does not answer."""
        ...

"""One request of a client about one aggregate, and what the aggregates of a kind have in common.

Each kind has operations of its own: `payments.operations`, `split_payments.operations`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID

from command_api.errors import CommandError
from event_store.streams import Aggregate

Body = dict[str, Any]
"""A response without its position, which only the log knows. Members are in the order of the schema."""


class ClientOperation(Protocol):
    """One request of a client.

    It holds the ids drawn for it, so it can be decided again after a conflict without becoming another one. `state` is
    that of its aggregate.
    """

    @property
    def name(self) -> str:
        """The command's name in metrics and logs."""

    @property
    def stream_id(self) -> UUID:
        """The stream that it is about."""

    @property
    def log_ids(self) -> Mapping[str, str | None]:
        """The ids that name what it is about in the logs."""

    @property
    def stripe_ids(self) -> frozenset[str]:
        """The customers and payment methods of Stripe that it names."""

    def with_ids_of(self, response: Mapping[str, Any]) -> Self:
        """Return this operation with the ids of the one that got this response."""

    def command(self, state: Any) -> Any:
        """Return the command for the domain. Raises CommandError when there is no such aggregate."""

    def status(self, state: Any) -> int:
        """Return the HTTP status: whether the outcome is known."""

    def response_body(self, state: Any) -> Body:
        """Return the body in this state."""

    def has_outcome(self, state: Any) -> bool:
        """Whether the outcome is known, for a client that waits for it."""


def _nothing(*_: object) -> None:
    return


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What operations of a kind are about: how its streams are read, and how commands are decided."""

    aggregate: Aggregate[Any, Any]
    """Its state has a `merchant_id`."""
    decide: Callable[[Any, Any], Sequence[Any]]
    not_found: Callable[[], CommandError]
    busy: Callable[[], CommandError]
    original_ids: Callable[[Any], Mapping[str, str]]
    """The ids in the response to the last command, from the state as that command left it."""
    has_personal_data: Callable[[Body], bool]
    """Whether a response may hold some: it is not stored then, but made again."""
    record_accepted: Callable[[Any, Any], None]
    """Log and count a command (an operation) that led to a state."""
    record_result: Callable[[Any, str, Exception | None], None] = _nothing
    """Count an operation by its result, and what it was refused or failed with, beside what is counted of all kinds."""

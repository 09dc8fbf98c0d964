"""What a batch of events says was erased."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from domain.personal_data import PersonalDataErased


class _Decoded(Protocol):
    @property
    def stream_id(self) -> UUID: ...

    @property
    def domain_event(self) -> Any: ...


def erased_fields(events: Iterable[_Decoded]) -> Mapping[UUID, frozenset[str]]:
    """Return, by stream, the JSON pointers of what was erased of its first event."""
    erased: dict[UUID, frozenset[str]] = {}
    for event in events:
        if isinstance(event.domain_event, PersonalDataErased):
            erased[event.stream_id] = erased.get(event.stream_id, frozenset()) | set(event.domain_event.fields)
    return erased

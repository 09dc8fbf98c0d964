"""What a stream says about personal data that was erased from it.

The data itself is encrypted in the log, and its key was destroyed. This event comes after that, in every stream that
held some: whoever kept a copy in clear learns from it what to remove.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from domain.ids import ErasureId

ERASED = "[erased]"
"""What stands in place of a value that was erased."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalDataErased:
    """The personal data of a user was erased: of the stream's first event, the values that ``fields`` name.

    Each is a JSON pointer (RFC 6901), such as ``/description`` or ``/metadata/email``. ``erasure_id`` is of the order
    that this was a part of.
    """

    erasure_id: ErasureId
    fields: tuple[str, ...]


def without_text(text: str | None, pointer: str, fields: Collection[str]) -> str | None:
    """Return a text, or that it was erased, if it is one of the fields."""
    return ERASED if text is not None and pointer in fields else text


def without_members(members: Mapping[str, Any], pointer: str, fields: Collection[str]) -> dict[str, Any]:
    """Return an object whose members among the fields read that they were erased."""
    return {name: ERASED if _member(pointer, name) in fields else value for name, value in members.items()}


def _member(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"

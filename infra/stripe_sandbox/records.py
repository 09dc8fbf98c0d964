"""What every stored object has in common, and how it is written down."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from operator import attrgetter
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The state of one object, apart from how the API shows it."""

    KIND: ClassVar[str]

    id: str
    created: int
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def intent_id(self) -> str | None:
        """The payment intent that this object belongs to, if any."""
        return None


def state_of(record: Record) -> dict[str, object]:
    """Return the members that say something: those that are not the default, which most of them are."""
    names, defaults, values_of = _members(record)
    values = values_of(record)
    return {name: value for name, default, value in zip(names, defaults, values, strict=True) if value is not default}


def difference(before: Record, after: Record) -> dict[str, object]:
    """Return the members that became others, as they were."""
    names, _, values_of = _members(before)
    pairs = zip(names, values_of(before), values_of(after), strict=True)
    return {name: old for name, old, new in pairs if old != new}


def _members(record: Record) -> "Members":
    """Return the names of its members, their defaults, and what reads them all; without a default, nothing is one."""
    known = _MEMBERS.get(record.KIND)
    if known is None:
        members = fields(record)
        names = [each.name for each in members]
        defaults = [object() if each.default is MISSING else each.default for each in members]
        known = _MEMBERS[record.KIND] = (names, defaults, attrgetter(*names))
    return known


Members: TypeAlias = tuple[list[str], list[object], Callable[[Record], tuple[object, ...]]]
_MEMBERS: dict[str, Members] = {}

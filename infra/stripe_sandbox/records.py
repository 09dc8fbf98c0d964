"""What every stored object has in common."""

from dataclasses import dataclass, field
from typing import ClassVar


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

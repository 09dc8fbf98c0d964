"""What a verification finds."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["changed", "removed", "inserted", "renumbered", "reordered", "checkpoint", "tiles", "archive"]
"""Of an event: what was done to it. `checkpoint`: what was signed is not of this log. `tiles`: the folder is not.
`archive`: the file of an archived part is not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it was sealed. `position` is the sealed one, or that of an inserted event."""

    kind: Kind
    detail: str
    position: int | None = None
    event_id: str | None = None
    stream_id: str | None = None


@dataclass(kw_only=True, slots=True)
class Verified:
    """What was looked at: filled while it goes on."""

    size: int = 0
    """Events in the tree of the newest checkpoint."""
    first_index: int = 0
    """From which event on they were compared; those before are as the tiles have them."""
    compared: int = 0
    last_position: int = 0
    unsealed: int = 0
    """Events behind the last position: nothing is proved of them."""
    unsealed_from: int | None = None
    unsealed_to: int | None = None
    findings: list[Finding] = field(default_factory=list)

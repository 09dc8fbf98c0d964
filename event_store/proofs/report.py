"""What a verification finds."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal[
    "changed", "removed", "inserted", "renumbered", "reordered", "checkpoint", "witnesses", "tiles", "archive"
]
"""Of an event: what was done to it. `checkpoint`: what was signed is not of this log. `tiles`: the folder is not.
`witnesses`: others than the log have not signed it, or something else. `archive`: a file of archived events is not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it was sealed. `position` is the sealed one, or that of an inserted event."""

    kind: Kind
    detail: str
    position: int | None = None
    event_id: str | None = None
    stream_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosigned:
    """The largest tree that a witness has signed, as far as it was found, and when it says that it did."""

    witness: str
    size: int
    at: datetime


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
    cosigned: list[Cosigned] = field(default_factory=list)
    witnessed: int = 0
    """The first events, which a quorum of the witnesses stands for."""
    findings: list[Finding] = field(default_factory=list)

"""What the stack reports while it runs: `paystream up` prints it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentReady:
    """A component is up. `seconds` since it was started."""

    label: str
    address: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StepBegan:
    """A long step has begun; StepDone follows."""

    label: str
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDone:
    """Something beside the components is done, such as the migrations."""

    label: str
    outcome: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftoverEnded:
    """A process of an earlier run was still there, and was ended."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentEnded:
    """A component ended unexpectedly; it is started again after `again_in_s`."""

    label: str
    exit_code: int | None
    again_in_s: float
    log: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class RestartFailed:
    """A component that had ended could not be started again; it is tried again after `again_in_s`."""

    label: str
    reason: str
    again_in_s: float


Report = ComponentReady | StepBegan | StepDone | LeftoverEnded | ComponentEnded | RestartFailed
Reporter = Callable[[Report], None]


def silent(_: Report) -> None:
    """Ignore a report."""

"""What a run compares, by which rules, and how it reports its progress."""

from dataclasses import dataclass
from typing import Protocol

from domain.reconciliation.values import Finding
from domain.reconciliation.window import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRules:
    """See the settings of the same names."""

    cutoff_s: int
    ledger_wait_s: float
    lookups: int
    """The most sources that a run looks up at Stripe."""
    partitions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which part of the ledger is compared. The statement has no rows of the categories in `without`."""

    window: Window
    without: tuple[str, ...] = ()
    staged_sources_only: bool = False
    """The statement has not all rows of the window: a row that it lacks proves nothing."""

    def supports(self, finding: Finding) -> bool:
        """Whether the statement proves a finding."""
        difference = finding.difference
        if difference.stripe is not None or difference.ledger is None:
            return True
        # Near the window's edge, Stripe's row may be just outside.
        return self.window.holds_well(difference.ledger.at) and not self.staged_sources_only


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPlan:
    """A scope, and whether rows that one side lacks can be looked up, which takes the API of Stripe."""

    scope: Scope
    can_look_up: bool = True


class RunProgress(Protocol):
    """Receives the progress of a run."""

    def __call__(self, stage: str, done: int, total: int | None = None) -> None:
        """`done` of `total` (None: unknown) in a stage: `ledger`, `reading`, `comparing`, `payouts`, `looking`.

        Also `waiting`: another process executes the run.
        """


def ignore_progress(stage: str, done: int, total: int | None = None) -> None:
    """Do nothing."""

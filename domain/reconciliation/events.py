"""What happens in a reconciliation run, and to a discrepancy."""

from dataclasses import dataclass, field
from datetime import date

from domain.ids import DiscrepancyId, RunId
from domain.reconciliation.values import CurrencyTotals, Difference


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciliationRequested:
    """Somebody, or the schedule, requested a reconciliation. ``number`` counts the runs of the day from 1."""

    run_id: RunId
    number: int
    date: date
    time_zone: str
    origin: str
    """``schedule``, ``api``, ``command`` or ``report``."""
    actor: str
    report: str | None = None
    """The name of the file that Stripe's rows come from; None: Stripe itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciliationStarted:
    """A run begins, or begins again after it failed. It compares the ledger as of ``head`` or later."""

    run_id: RunId
    number: int
    attempt: int
    head: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciliationCompleted:
    """Both sides were compared to their end. ``found`` counts the differences of each kind.

    ``opened`` counts those that nobody knew of or that came back, ``resolved`` those of earlier runs that are gone,
    ``backfilled`` the payments that are read at Stripe once more, and the rows of Stripe that the run recorded.
    """

    run_id: RunId
    number: int
    date: date
    totals: tuple[CurrencyTotals, ...]
    found: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    resolved: int = 0
    backfilled: int = 0
    payouts: int = 0
    """How many payouts were compared with what they pay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciliationFailed:
    """A run came to no result. It is tried again unless that is ``final``."""

    run_id: RunId
    number: int
    attempt: int
    reason: str
    final: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyOpened:
    """A difference was found that was not known."""

    discrepancy_id: DiscrepancyId
    run_id: RunId
    number: int
    difference: Difference


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyExplained:
    """Somebody said why it is there, and that it may be."""

    discrepancy_id: DiscrepancyId
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyAssigned:
    """Somebody is to look into it; without an assignee, nobody any more."""

    discrepancy_id: DiscrepancyId
    assignee: str | None
    actor: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyResolved:
    """It is gone, as a run saw (``actor`` is then ``reconciliation``), or as somebody says."""

    discrepancy_id: DiscrepancyId
    actor: str
    reason: str
    run_id: RunId | None = None
    number: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyReopened:
    """It came back after it was resolved, or is no longer what it was when it was opened or explained."""

    discrepancy_id: DiscrepancyId
    run_id: RunId
    number: int
    difference: Difference


RunEvent = ReconciliationRequested | ReconciliationStarted | ReconciliationCompleted | ReconciliationFailed
DiscrepancyEvent = (
    DiscrepancyOpened | DiscrepancyAssigned | DiscrepancyExplained | DiscrepancyResolved | DiscrepancyReopened
)
ReconciliationEvent = RunEvent | DiscrepancyEvent

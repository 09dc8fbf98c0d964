"""What reconciliation refuses."""

from typing import ClassVar

from domain.errors import DomainError
from domain.ids import DiscrepancyId, RunId


class ReconciliationError(DomainError):
    """Root of the package's errors."""

    code: ClassVar[str] = "reconciliation_error"


class RowsNotSorted(ReconciliationError):
    """The rows of a side came out of order: any conclusion from them would be wrong."""

    code: ClassVar[str] = "rows_not_sorted"

    def __init__(self, *, side: str, before: str, after: str) -> None:
        super().__init__(f"the rows of {side} are not sorted: {after!r} comes after {before!r}")
        self.side = side


class RunNotUnderWay(ReconciliationError):
    """A run is started or ended that nobody requested, or that has ended already."""

    code: ClassVar[str] = "run_not_under_way"

    def __init__(self, *, run_id: RunId, number: int) -> None:
        super().__init__(f"Run {number} of the reconciliation {run_id} is not under way.")
        self.run_id = run_id
        self.number = number


class DiscrepancyNotFound(ReconciliationError):
    """There is no such discrepancy."""

    code: ClassVar[str] = "discrepancy_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such discrepancy.")


class DiscrepancyIsResolved(ReconciliationError):
    """It is resolved: there is nothing left to explain."""

    code: ClassVar[str] = "discrepancy_is_resolved"

    def __init__(self, discrepancy_id: DiscrepancyId) -> None:
        super().__init__(f"Discrepancy {discrepancy_id} is resolved.")
        self.discrepancy_id = discrepancy_id

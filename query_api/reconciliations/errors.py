"""The problems of reconciliations."""

from infra.http.problems import Problem


def discrepancy_not_found() -> Problem:
    """Return the 404 of a discrepancy that there is not."""
    return Problem(404, "discrepancy_not_found", "Discrepancy not found", "There is no such discrepancy.")


def reconciliation_not_found() -> Problem:
    """Return the 404 of a day that was never reconciled."""
    return Problem(404, "reconciliation_not_found", "Reconciliation not found", "There is no such reconciliation.")

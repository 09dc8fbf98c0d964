"""A row as JSON, written at once. `schemas.http.merchant` says the same as types."""

from projections.reconciliation.read import StoredDiscrepancy
from query_api.reconciliations import render
from query_api.responses import Json

_OF_THE_OPERATOR = ("reconciliation_id", "actor", "reason", "assignee")
"""Which run found it, who looks into it, and who said what of it."""


def discrepancy(stored: StoredDiscrepancy) -> Json:
    """Return the members of `MerchantDiscrepancyView`."""
    shown = render.discrepancy(stored)
    return {name: value for name, value in shown.items() if name not in _OF_THE_OPERATOR}

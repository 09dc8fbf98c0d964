"""Rows as JSON, written at once. `schemas.http.reconciliations` says the same as types."""

import orjson

from projections.reconciliation.read import StoredDiscrepancy, StoredRun
from query_api.responses import Json
from schemas.http.times import timestamp


def run(stored: StoredRun) -> Json:
    """Return the members of `ReconciliationView`."""
    return {
        "id": stored.run_id,
        "number": stored.number,
        "date": stored.date,
        "time_zone": stored.time_zone,
        "origin": stored.origin,
        "report": stored.report,
        "status": stored.status,
        "attempt": stored.attempt,
        "failure": stored.failure,
        "totals": orjson.Fragment(stored.totals),
        "found": orjson.Fragment(stored.found),
        "opened": stored.opened,
        "resolved": stored.resolved,
        "backfilled": stored.backfilled,
        "payouts": stored.payouts,
        "requested_at": timestamp(stored.requested_at),
        "completed_at": None if stored.completed_at is None else timestamp(stored.completed_at),
        "version": stored.version,
        "updated_at": timestamp(stored.updated_at),
    }


def discrepancy(stored: StoredDiscrepancy) -> Json:
    """Return the members of `DiscrepancyView`."""
    return {
        "id": stored.discrepancy_id,
        "kind": stored.kind,
        "source_id": stored.source_id,
        "category": stored.category,
        "date": stored.date,
        "status": stored.status,
        "stripe": None if stored.stripe is None else orjson.Fragment(stored.stripe),
        "ledger": None if stored.ledger is None else orjson.Fragment(stored.ledger),
        "transaction_ids": orjson.Fragment(stored.transaction_ids),
        "payment_id": stored.payment_id,
        "reconciliation_id": stored.run_id,
        "actor": stored.actor,
        "reason": stored.reason,
        "assignee": stored.assignee,
        "opened_at": timestamp(stored.opened_at),
        "version": stored.version,
        "updated_at": timestamp(stored.updated_at),
    }

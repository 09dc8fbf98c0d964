"""The rows of the projection, as they are written to JSON."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from domain.ids import BalanceSourceId, BalanceTransactionId, DiscrepancyId, PaymentId, RunId


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """The newest run of a day."""

    run_id: RunId
    number: int
    date: dt.date
    time_zone: str
    origin: str
    report: str | None
    status: str
    attempt: int
    failure: str | None
    totals: list[dict[str, Any]]
    found: dict[str, int]
    opened: int
    resolved: int
    backfilled: int
    payouts: int
    requested_at: dt.datetime
    completed_at: dt.datetime | None
    updated_at: dt.datetime
    version: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyRow:
    """A discrepancy, in the words of its newest event."""

    discrepancy_id: DiscrepancyId
    kind: str
    source_id: BalanceSourceId
    category: str
    date: dt.date
    status: str
    stripe: dict[str, Any] | None
    ledger: dict[str, Any] | None
    transaction_ids: list[BalanceTransactionId]
    payment_id: PaymentId | None
    run_id: RunId
    actor: str | None
    reason: str | None
    assignee: str | None
    opened_at: dt.datetime
    updated_at: dt.datetime
    version: int
    position: int

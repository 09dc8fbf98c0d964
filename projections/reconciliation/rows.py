"""The rows of the projection, as they are written to JSON."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """The newest run of a day."""

    run_id: UUID
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
    """A discrepancy."""

    discrepancy_id: UUID
    kind: str
    source_id: str
    category: str
    date: dt.date
    status: str
    stripe: dict[str, Any] | None
    ledger: dict[str, Any] | None
    transaction_ids: list[str]
    payment_id: UUID | None
    run_id: UUID
    actor: str | None
    reason: str | None
    opened_at: dt.datetime
    updated_at: dt.datetime
    version: int
    position: int

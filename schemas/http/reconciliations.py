"""Bodies about reconciliations: what finance asks for, and what it is shown."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from domain.ids import BalanceSourceId, BalanceTransactionId, DiscrepancyId, PaymentId, RunId
from domain.reconciliation.run import RunStatus
from domain.reconciliation.values import DifferenceKind, DiscrepancyStatus
from schemas.http.answers import Answer, Json, Position, Timestamp
from schemas.http.bodies import Body
from schemas.http.strict import AS_DAY

Cents = Annotated[int, Field(description="Signed; in the currency's smallest unit, as Stripe counts it.")]


FIRST_DAY = dt.date(2011, 1, 1)
"""Stripe did not exist before."""

RunStatusFilter = RunStatus
KindFilter = DifferenceKind
DiscrepancyStatusFilter = Annotated[
    DiscrepancyStatus | Literal["unresolved"],
    WithJsonSchema({"type": "string", "enum": [*DiscrepancyStatus, "unresolved"]}),
]
"""Filters of lists."""


_RUN_ID = "0b9a7e52-3a55-5d6b-9a57-3f6f3c1f7a10"
_TOTALS: Json = {
    "currency": "USD",
    "stripe_rows": 12,
    "stripe_amount": 120000,
    "stripe_fee": 4080,
    "ledger_rows": 11,
    "ledger_amount": 119000,
    "ledger_fee": 4021,
    "foreign_rows": 0,
    "foreign_amount": 0,
    "foreign_fee": 0,
}
_RUN: Json = {
    "id": _RUN_ID,
    "number": 1,
    "date": "2026-05-01",
    "time_zone": "UTC",
    "origin": "schedule",
    "report": None,
    "status": "completed",
    "attempt": 1,
    "failure": None,
    "totals": [_TOTALS],
    "found": {"missing_here": 1},
    "opened": 1,
    "resolved": 0,
    "backfilled": 1,
    "payouts": 1,
    "requested_at": "2026-05-02T04:00:00.000Z",
    "completed_at": "2026-05-02T04:00:07.250Z",
    "version": 3,
    "updated_at": "2026-05-02T04:00:07.250Z",
}
_ENTRY: Json = {"amount": 1000, "currency": "USD", "fee": 59, "at": "2026-05-01T10:06:40.000Z"}
_DISCREPANCY: Json = {
    "id": "5a8f4f0e-5c5d-5c0a-8f6f-0a7c51b2f6e1",
    "kind": "missing_here",
    "source_id": "ch_3PXample",
    "category": "charge",
    "date": "2026-05-01",
    "status": "open",
    "stripe": _ENTRY,
    "ledger": None,
    "transaction_ids": ["txn_1PXample"],
    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "reconciliation_id": _RUN_ID,
    "actor": None,
    "reason": None,
    "assignee": None,
    "opened_at": "2026-05-02T04:00:07.250Z",
    "version": 1,
    "updated_at": "2026-05-02T04:00:07.250Z",
}


class RequestReconciliationBody(Body):
    """POST /reconciliations."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"date": "2026-05-01"}]})

    date: Annotated[
        dt.date,
        Field(
            ge=FIRST_DAY,
            json_schema_extra={"pattern": r"^(201[1-9]|20[2-9][0-9]|2[1-9][0-9]{2})-(0[1-9]|1[0-2])-[0-3][0-9]$"},
            description=f"The day to compare, in the time zone of RECONCILIATION_TIME_ZONE: from {FIRST_DAY} to today.",
        ),
        AS_DAY,
    ]


class ReconciliationAnswer(Answer):
    """The run that is open: the requested one, or an earlier one of the same day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _RUN_ID,
                    "number": 2,
                    "date": "2026-05-01",
                    "time_zone": "UTC",
                    "status": "requested",
                    "position": 4711,
                }
            ]
        }
    )

    id: Annotated[RunId, Field(description="Of all runs of the day.")]
    number: Annotated[int, Field(ge=1, description="The number of the run of the day.")]
    date: dt.date
    time_zone: str
    status: Literal["requested", "running", "retrying"]
    position: Position


class CurrencyTotalsView(Answer):
    """The totals of a day in one currency, at Stripe and in the ledger."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOTALS]})

    currency: Annotated[str, Field(description="ISO 4217 code, upper case.")]
    stripe_rows: int
    stripe_amount: Cents
    stripe_fee: Cents
    ledger_rows: int
    ledger_amount: Cents
    ledger_fee: Cents
    foreign_rows: Annotated[
        int,
        Field(
            description="Of Stripe's rows, those of payments that another system makes in the same account. Runs of "
            "the first releases did not tell them apart: there the three are not there."
        ),
    ] = 0
    foreign_amount: Cents = 0
    foreign_fee: Cents = 0


class ReconciliationView(Answer):
    """The newest run of a day."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RUN]})

    id: RunId
    number: int
    date: dt.date
    time_zone: str
    origin: Annotated[str, Field(description="`schedule`, `api`, `command` or `report`.")]
    report: Annotated[str | None, Field(description="The file that Stripe's rows came from; null: Stripe itself.")]
    status: RunStatus
    attempt: int
    failure: Annotated[str | None, Field(description="Why the last attempt failed.")]
    totals: Annotated[list[CurrencyTotalsView], Field(description="Empty until the run is completed.")]
    found: Annotated[dict[str, int], Field(description="How many differences there are, by kind.")]
    opened: Annotated[int, Field(description="Discrepancies that are new, or that came back.")]
    resolved: Annotated[int, Field(description="Discrepancies of earlier runs that are gone.")]
    backfilled: Annotated[
        int, Field(description="Payments that are read at Stripe once more, and rows of Stripe that the run recorded.")
    ]
    payouts: Annotated[int, Field(description="Payouts that were compared with their items.")]
    requested_at: Timestamp
    completed_at: Timestamp | None
    version: int
    updated_at: Timestamp


class ReconciliationPage(Answer):
    """Reconciliations, newest day first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_RUN], "has_more": False, "next_cursor": None}]}
    )

    data: list[ReconciliationView]
    has_more: bool
    next_cursor: str | None


class ReconciliationEntryView(Answer):
    """What Stripe or the ledger says."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    amount: Cents
    currency: str
    fee: Annotated[int | None, Field(description="Null: none is recorded yet.")]
    at: Timestamp


class DiscrepancyView(Answer):
    """A difference between Stripe and the ledger, and its status."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DISCREPANCY]})

    id: DiscrepancyId
    kind: DifferenceKind
    source_id: Annotated[
        BalanceSourceId, Field(description="Stripe's id of what moved the money: ch_, re_, du_, po_, ...")
    ]
    category: Annotated[str, Field(description="Stripe's reporting category, or `payout_items`.")]
    date: dt.date
    status: DiscrepancyStatus
    stripe: Annotated[ReconciliationEntryView | None, Field(description="Null: Stripe does not have it.")]
    ledger: Annotated[ReconciliationEntryView | None, Field(description="Null: the ledger does not have it.")]
    transaction_ids: list[BalanceTransactionId]
    payment_id: PaymentId | None
    reconciliation_id: RunId
    actor: Annotated[
        str | None, Field(description="The operator who explained or resolved it; `reconciliation` for a run.")
    ]
    reason: str | None
    assignee: Annotated[str | None, Field(description="Who looks into it.")] = None
    opened_at: Timestamp
    version: int
    updated_at: Timestamp


class DiscrepancyPage(Answer):
    """Discrepancies, newest day first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_DISCREPANCY], "has_more": False, "next_cursor": None}]}
    )

    data: list[DiscrepancyView]
    has_more: bool
    next_cursor: str | None

"""Bodies about reconciliations: what finance asks for, and what it is shown."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.reconciliation import DiscrepancyStatus, Kind, RunStatus
from schemas.http.strict import AS_DAY

Cents = Annotated[int, Field(description="Signed; in the currency's smallest unit, as Stripe counts it.")]
Timestamp = Annotated[dt.datetime, Field(description="ISO 8601, UTC.")]
Position = Annotated[int, Field(ge=1, description="Place of an event in the whole log.")]


FIRST_DAY = dt.date(2011, 1, 1)
"""Before that, there was no Stripe."""

RunStatusFilter = RunStatus
KindFilter = Kind
DiscrepancyStatusFilter = DiscrepancyStatus | Literal["unresolved"]
"""What lists can be narrowed to."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RequestReconciliationBody(_Body):
    """POST /reconciliations."""

    date: Annotated[
        dt.date,
        Field(
            ge=FIRST_DAY,
            description="The day to compare, in the time zone of RECONCILIATION_TIME_ZONE; today at the latest.",
        ),
        AS_DAY,
    ]


class ReconciliationAnswer(_Body):
    """The run that is under way: the one that was asked for, or one of the same day that was before."""

    id: Annotated[UUID, Field(description="Of all runs of the day.")]
    number: Annotated[int, Field(ge=1, description="Which run of the day.")]
    date: dt.date
    time_zone: str
    status: Literal["requested", "running", "retrying"]
    position: Position


class CurrencyTotalsView(_Body):
    """What the two books of a day come to in one currency."""

    currency: Annotated[str, Field(description="ISO 4217 code, upper case.")]
    stripe_rows: int
    stripe_amount: Cents
    stripe_fee: Cents
    ledger_rows: int
    ledger_amount: Cents
    ledger_fee: Cents
    foreign_rows: Annotated[
        int, Field(description="Of Stripe's rows, those of payments that another system makes in the same account.")
    ] = 0
    foreign_amount: Cents = 0
    foreign_fee: Cents = 0


class ReconciliationView(_Body):
    """The newest run of a day."""

    id: UUID
    number: int
    date: dt.date
    time_zone: str
    origin: Annotated[str, Field(description="`schedule`, `api`, `command` or `report`.")]
    report: Annotated[str | None, Field(description="The file that Stripe's rows came from; null: Stripe itself.")]
    status: RunStatus
    attempt: int
    failure: Annotated[str | None, Field(description="Why the last attempt came to no result.")]
    totals: Annotated[list[CurrencyTotalsView], Field(description="Of the run; empty until it is completed.")]
    found: Annotated[dict[str, int], Field(description="How many differences there are, by kind.")]
    opened: Annotated[int, Field(description="Discrepancies that nobody knew of, or that came back.")]
    resolved: Annotated[int, Field(description="Discrepancies of earlier runs that are gone.")]
    healing: Annotated[
        int, Field(description="Payments that are read at Stripe once more because of it, and rows it recorded.")
    ]
    payouts: Annotated[int, Field(description="Payouts that were compared with what they pay.")]
    requested_at: Timestamp
    completed_at: Timestamp | None
    version: int
    updated_at: Timestamp


class ReconciliationPage(_Body):
    """Reconciliations, newest day first. `next_cursor` is null on the last page."""

    data: list[ReconciliationView]
    has_more: bool
    next_cursor: str | None


class BookEntryView(_Body):
    """What one book says."""

    amount: Cents
    currency: str
    fee: Annotated[int | None, Field(description="Null: none is recorded yet.")]
    at: Timestamp


class DiscrepancyView(_Body):
    """A difference between the two books, as it stands."""

    id: UUID
    kind: Kind
    source_id: Annotated[str, Field(description="Stripe's id of what moved the money: ch_, re_, du_, po_, ...")]
    category: Annotated[str, Field(description="Stripe's reporting category, or `payout_items`.")]
    date: dt.date
    status: DiscrepancyStatus
    stripe: Annotated[BookEntryView | None, Field(description="Null: Stripe lacks it.")]
    ledger: Annotated[BookEntryView | None, Field(description="Null: the ledger lacks it.")]
    transaction_ids: list[str]
    payment_id: UUID | None
    reconciliation_id: UUID
    who: Annotated[str | None, Field(description="Who explained or resolved it; `reconciliation` for a run.")]
    why: str | None
    opened_at: Timestamp
    version: int
    updated_at: Timestamp


class DiscrepancyPage(_Body):
    """Discrepancies, newest day first. `next_cursor` is null on the last page."""

    data: list[DiscrepancyView]
    has_more: bool
    next_cursor: str | None

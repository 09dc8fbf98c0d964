"""The parameters of the reads of reconciliations and discrepancies."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.ids import BalanceSourceId, PaymentId, RunId
from projections.reconciliation.read import DiscrepancyFilters, RunFilters
from query_api.parameters import Limit, Text
from schemas.http.reconciliations import DiscrepancyStatusFilter, KindFilter, RunStatusFilter
from schemas.http.strict import Day, Id

DayFilter = Annotated[Day | None, Field(default=None, description="A day like 2026-05-01, inclusive.")]


class FinancePageParameters(BaseModel):
    """What every list of finance takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = 20
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="The `next_cursor` of the page before. Keep the filters the same."
    )
    date_from: DayFilter
    date_to: DayFilter


class RunListParameters(FinancePageParameters):
    """The filters of the list of reconciliations; those that are given must all hold."""

    status: RunStatusFilter | None = Field(default=None, description="Where the newest run of the day stands.")

    def filters(self) -> RunFilters:
        """Return the filters for the read model."""
        return RunFilters(
            status=self.status.value if self.status else None, date_from=self.date_from, date_to=self.date_to
        )


class DiscrepancyListParameters(FinancePageParameters):
    """The filters of the list of discrepancies; those that are given must all hold."""

    status: DiscrepancyStatusFilter | None = Field(default=None, description="`unresolved` is open or explained.")
    kind: KindFilter | None = Field(default=None, description="What differs.")
    source_id: Text[BalanceSourceId] | None = Field(default=None, description="Stripe's id of what moved the money.")
    assignee: Text[str] | None = Field(default=None, description="Who looks into it.")
    payment_id: Id[PaymentId] | None = Field(default=None, description="The payment that it is about.")
    reconciliation_id: Id[RunId] | None = Field(
        default=None, description="Opened, or found again, by a run of this day."
    )

    def filters(self) -> DiscrepancyFilters:
        """Return the filters for the read model."""
        return DiscrepancyFilters(
            status=str(self.status) if self.status else None,
            kind=self.kind.value if self.kind else None,
            source_id=self.source_id,
            assignee=self.assignee,
            payment_id=self.payment_id,
            run_id=self.reconciliation_id,
            date_from=self.date_from,
            date_to=self.date_to,
        )

"""The parameters of a merchant's view of its finance. Any other is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.ids import PaymentId
from projections.ledger.read import EntryFilters
from projections.reconciliation.read import DiscrepancyFilters
from query_api.parameters import Limit
from query_api.reconciliations.parameters import FinancePageParameters
from schemas.http.reconciliations import DiscrepancyStatusFilter
from schemas.http.strict import Id, Moment


class MerchantEntryParameters(BaseModel):
    """The filters of the list of entries; those that are given must all hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payment_id: Id[PaymentId] | None = Field(default=None, description="All that belongs to a payment, its fees too.")
    since: Moment | None = Field(default=None, description="At this moment or later; ISO 8601.")
    until: Moment | None = Field(default=None, description="Earlier than this; ISO 8601.")
    limit: Limit = 20
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="The `next_cursor` of the page before. Keep the filters the same."
    )

    def filters(self) -> EntryFilters:
        """Return the filters for the read model."""
        return EntryFilters(payment_id=self.payment_id, since=self.since, until=self.until)


class MerchantDiscrepancyParameters(FinancePageParameters):
    """The filters of the list of discrepancies; those that are given must all hold."""

    status: DiscrepancyStatusFilter | None = Field(default=None, description="`unresolved` is open or explained.")
    payment_id: Id[PaymentId] | None = Field(default=None, description="The payment that it is about.")

    def filters(self) -> DiscrepancyFilters:
        """Return the filters for the read model."""
        return DiscrepancyFilters(
            status=str(self.status) if self.status else None,
            payment_id=self.payment_id,
            date_from=self.date_from,
            date_to=self.date_to,
        )

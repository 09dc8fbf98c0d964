"""The parameters of the list of payouts. Any other is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from projections.payouts.read import PayoutFilters
from query_api.parameters import CurrencyFilter, Limit
from schemas.http.payouts import PayoutStatusFilter
from schemas.http.strict import Moment


class PayoutListParameters(BaseModel):
    """The filters of the list of payouts; those that are given must all hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: PayoutStatusFilter | None = Field(default=None, description="Where the payout stands.")
    currency: CurrencyFilter | None = Field(default=None, description="ISO 4217 code.")
    since: Moment | None = Field(default=None, description="Made at this moment or later; ISO 8601.")
    until: Moment | None = Field(default=None, description="Made earlier than this; ISO 8601.")
    limit: Limit = 20
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="The `next_cursor` of the page before. Keep the filters the same."
    )

    def filters(self) -> PayoutFilters:
        """Return the filters for the read model."""
        return PayoutFilters(
            status=self.status.value if self.status else None,
            currency=self.currency,
            since=self.since,
            until=self.until,
        )

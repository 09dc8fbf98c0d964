"""The parameters of the reads of the ledger. Any other is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.ids import BalanceSourceId, PaymentId
from projections.ledger.read import EntryFilters
from query_api.parameters import CurrencyFilter, Limit, Text
from schemas.http.ledger import AccountFilter
from schemas.http.strict import Id, Moment


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BalanceParameters(_Parameters):
    """As of when."""

    as_of: Moment | None = Field(
        default=None,
        description="Up to this moment, inclusive; ISO 8601, in UTC unless it has an offset. Without it, all that is "
        "known. What is learned late counts when it happened: a balance as of a moment may still change.",
    )


class EntryParameters(_Parameters):
    """The filters of the list of entries; those that are given must all hold."""

    payment_id: Id[PaymentId] | None = Field(default=None, description="All that belongs to a payment, its fees too.")
    account: AccountFilter | None = Field(default=None, description="Entries with a line of this account.")
    currency: CurrencyFilter | None = Field(
        default=None, description="Entries with a line in this currency; with `account`, that very line."
    )
    source_id: Text[BalanceSourceId] | None = Field(default=None, description="Stripe's id of what they are about.")
    since: Moment | None = Field(default=None, description="At this moment or later; ISO 8601.")
    until: Moment | None = Field(default=None, description="Earlier than this; ISO 8601.")
    limit: Limit = 20
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="The `next_cursor` of the page before. Keep the filters the same."
    )

    def filters(self) -> EntryFilters:
        """Return the filters for the read model."""
        return EntryFilters(
            payment_id=self.payment_id,
            account=self.account.value if self.account else None,
            currency=self.currency,
            source_id=self.source_id,
            since=self.since,
            until=self.until,
        )

"""The parameters of the list of split payments."""

from pydantic import Field

from domain.ids import UserId
from projections.split_payments.read import SplitPaymentFilters
from query_api.parameters import PageParameters, Text
from schemas.http.split_payments import SplitStatusFilter
from schemas.http.strict import Moment


class SplitPaymentListParameters(PageParameters):
    """The filters of the list of split payments; those that are given must all hold."""

    status: SplitStatusFilter | None = Field(default=None, description="Where the split payment stands.")
    user_id: Text[UserId] | None = Field(default=None, description="Whose purchase it is.")
    created_after: Moment | None = Field(
        default=None, description="Later than this; ISO 8601, in UTC unless it has an offset."
    )
    created_before: Moment | None = Field(
        default=None, description="Earlier than this; ISO 8601, in UTC unless it has an offset."
    )

    def filters(self) -> SplitPaymentFilters:
        """Return the filters for the read model."""
        return SplitPaymentFilters(
            status=self.status.value if self.status else None,
            user_id=self.user_id,
            created_after=self.created_after,
            created_before=self.created_before,
        )

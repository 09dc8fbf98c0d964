"""The parameters of the list of disputes."""

from pydantic import Field

from projections.disputes.read import DisputeFilters
from query_api.parameters import PageParameters
from schemas.http.disputes import DisputeStage

_FILTERS = {
    DisputeStage.NEEDS_RESPONSE: DisputeFilters(open=True, needs_response=True),
    DisputeStage.UNDER_REVIEW: DisputeFilters(open=True, needs_response=False),
    DisputeStage.CLOSED: DisputeFilters(open=False),
}


class DisputeListParameters(PageParameters):
    """The filter of the list of disputes."""

    stage: DisputeStage | None = Field(
        default=None,
        description="`needs_response`: evidence is waited for; `under_review`: open, and the bank decides; `closed`.",
    )

    def filters(self) -> DisputeFilters:
        """Return the filters for the read model."""
        return DisputeFilters() if self.stage is None else _FILTERS[self.stage]

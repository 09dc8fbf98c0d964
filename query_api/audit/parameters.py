"""The parameters of lists for auditors. Any other is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from query_api.parameters import Limit


class AuditPageParameters(BaseModel):
    """What both lists take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = 50
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="The `next_cursor` of the page before. Keep the filters the same."
    )


class StaffLogParameters(AuditPageParameters):
    """Of whom."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@+-]{1,64}$")] | None = Field(
        default=None, description="Only what this person did: the name as they log in."
    )

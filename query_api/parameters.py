"""The parameters of query strings. Any other is a 400: a misspelt filter must not become "no filter"."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from infra.access.principal import Principal
from schemas.http.strict import IN_DIGITS, STORABLE

LARGEST = 2**63 - 1
"""PostgreSQL's bigint."""


_Text = TypeVar("_Text", bound=str)

Text = Annotated[_Text, StringConstraints(min_length=1, max_length=500), STORABLE]
"""For `Text[UserId]`."""
Position = Annotated[int, Field(ge=0, le=LARGEST), IN_DIGITS]
Limit = Annotated[int, Field(ge=1, le=100, description="How many elements the page has at most."), IN_DIGITS]

CurrencyFilter = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]

IfNoneMatch = Annotated[str | None, Header(description="The ETag of an earlier answer.")]
Reader = Callable[..., Awaitable[Principal]]
"""The dependency that authenticates the caller."""


class ReadParameters(BaseModel):
    """What every read takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_position: Position | None = Field(
        default=None,
        description="Answer only when the read model reflects this position of the log, as a command answered it.",
    )


class PageParameters(ReadParameters):
    """What every list takes."""

    limit: Limit = 20
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="The `next_cursor` of the page before. Keep the filters the same."
    )

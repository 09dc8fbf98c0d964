"""The days that totals are asked for."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from infra.settings.reconciliation import zone_named
from projections.days import DayRange
from query_api.parameters import CurrencyFilter
from schemas.http.strict import Day

MOST_DAYS = 366


def _known(name: str) -> str:
    try:
        zone_named(name)
    except ValueError as error:
        raise PydanticCustomError("time_zone", "{reason}", {"reason": str(error)}) from None
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known)]


class DayTotalsParameters(BaseModel):
    """Which days, of which zone, in which currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date_from: Day = Field(description="The first day, like 2026-05-01.")
    date_to: Day = Field(description=f"The last day, inclusive; at most {MOST_DAYS} days in all.")
    time_zone: TimeZone = Field(
        default="UTC", description="Where a day begins and ends: a name of the IANA time zone database."
    )
    currency: CurrencyFilter | None = Field(default=None, description="ISO 4217 code. Without it, every one.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not timedelta(0) <= self.date_to - self.date_from < timedelta(days=MOST_DAYS):
            raise PydanticCustomError(
                "days", "date_to must not be before date_from, nor {most} days after it", {"most": MOST_DAYS}
            )
        return self

    def within(self) -> DayRange:
        """Return the days for the read model."""
        return DayRange(
            date_from=self.date_from, date_to=self.date_to, time_zone=self.time_zone, currency=self.currency
        )

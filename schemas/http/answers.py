"""What the bodies of answers are made of."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]

Cents = Annotated[int, Field(ge=0, description="In the currency's smallest unit, as Stripe counts it.")]
Position = Annotated[int, Field(ge=1, description="Place of an event in the whole log.")]
Version = Annotated[int, Field(ge=1, description="Number of an event within its payment, from 1.")]
Timestamp = Annotated[datetime, Field(description="ISO 8601, UTC.")]


class Answer(BaseModel):
    """An answer, or a part of one. Tests hold against it what is written: nothing may be there that it does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

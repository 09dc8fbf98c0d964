"""What may stand in a query string. Anything else is a 400: a misspelt filter must not become "no filter"."""

from collections import Counter
from typing import Annotated

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from projections.payments.read import PaymentFilters
from schemas.http.queries import StatusFilter
from schemas.http.strict import IN_DIGITS, Boolean, Moment

LARGEST = 2**63 - 1
"""PostgreSQL's bigint."""

_MAX_NAME_CHARS = 64
_MAX_ERRORS = 20


def _storable(text: str) -> str:
    if "\x00" in text:  # PostgreSQL's text cannot hold it
        raise PydanticCustomError("null_character", "must not contain the character U+0000")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_storable)]
Cents = Annotated[int, Field(ge=0, le=LARGEST), IN_DIGITS]
Position = Annotated[int, Field(ge=0, le=LARGEST), IN_DIGITS]
Limit = Annotated[int, Field(ge=1, le=100, description="The most elements in the page."), IN_DIGITS]


async def refuse_repeated(request: Request) -> None:
    """FastAPI dependency: refuse a parameter that is there twice, of which only the last would count."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    _refuse([name for name, count in counted.items() if count > 1], "must be given once")


async def refuse_all(request: Request) -> None:
    """FastAPI dependency of reads that have no parameters."""
    _refuse(list(request.query_params), "is not a known parameter")


def _refuse(names: list[str], message: str) -> None:
    if names:
        details = [{"type": "parameter", "loc": ("query", name[:_MAX_NAME_CHARS]), "msg": message} for name in names]
        raise RequestValidationError(details[:_MAX_ERRORS])


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


class PaymentListParameters(PageParameters):
    """The filters of the list of payments; those that are given must all hold."""

    status: StatusFilter | None = Field(default=None, description="Where the payment stands.")
    user_id: Text | None = Field(default=None, description="Who pays, as it was said when the payment was created.")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)] | None = Field(
        default=None, description="ISO 4217 code."
    )
    created_after: Moment | None = Field(
        default=None, description="Later than this; ISO 8601, in UTC unless it has an offset."
    )
    created_before: Moment | None = Field(
        default=None, description="Earlier than this; ISO 8601, in UTC unless it has an offset."
    )
    amount_min: Cents | None = Field(default=None, description="In the smallest unit, inclusive.")
    amount_max: Cents | None = Field(default=None, description="In the smallest unit, inclusive.")
    stripe_payment_intent_id: Text | None = Field(default=None, description="Stripe's id of the payment (pi_...).")
    idempotency_key: Text | None = Field(default=None, description="The key that it was created with.")
    contradicted: Boolean | None = Field(
        default=None,
        description="True: only payments of which Stripe says what contradicts the log; false: only the others.",
    )

    def filters(self) -> PaymentFilters:
        """Return the filters for the read model."""
        return PaymentFilters(
            status=self.status.value if self.status else None,
            user_id=self.user_id,
            currency=self.currency,
            created_after=self.created_after,
            created_before=self.created_before,
            amount_min=self.amount_min,
            amount_max=self.amount_max,
            stripe_payment_intent_id=self.stripe_payment_intent_id,
            idempotency_key=self.idempotency_key,
            contradicted=self.contradicted,
        )

"""Bodies about a merchant's customers."""

from typing import Annotated

from pydantic import ConfigDict, Field

from domain.ids import UserId
from schemas.http.answers import Answer, Cents, Json, Timestamp

Count = Annotated[int, Field(ge=0)]

_TOTAL: Json = {
    "currency": "USD",
    "payments": 12,
    "succeeded": 10,
    "amount_captured_cents": 120_000,
    "amount_refunded_cents": 5000,
    "disputes": 1,
    "amount_disputed_cents": 2000,
    "first_at": "2026-01-03T09:00:00.000Z",
    "last_at": "2026-05-01T19:37:00.123Z",
}


class CustomerTotal(Answer):
    """What a user's payments come to in a currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOTAL]})

    currency: Annotated[str, Field(description="ISO 4217 code, upper case.")]
    payments: Count
    succeeded: Count
    amount_captured_cents: Cents
    amount_refunded_cents: Cents
    disputes: Annotated[Count, Field(description="How many payments were ever disputed.")]
    amount_disputed_cents: Annotated[
        Cents, Field(description="What disputes in this currency are about that are open or lost.")
    ]
    first_at: Annotated[Timestamp, Field(description="When the first payment was made.")]
    last_at: Annotated[Timestamp, Field(description="When the last payment was made.")]


class CustomerTotals(Answer):
    """What all payments of a user come to, by currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": "customer_1001", "data": [_TOTAL]}]})

    user_id: UserId
    data: list[CustomerTotal]

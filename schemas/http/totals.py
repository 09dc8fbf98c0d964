"""Bodies of totals by day."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from domain.payment.values import PaymentStatus
from schemas.http.answers import Answer, Cents, Json

Day = Annotated[date, Field(description="A day of the time zone.")]
Currency = Annotated[str, Field(description="ISO 4217 code, upper case.")]
Signed = Annotated[
    int,
    Field(description="In the currency's smallest unit, as Stripe counts it; below zero when more went the other way."),
]

_PAYMENTS: Json = {
    "date": "2026-05-01",
    "currency": "USD",
    "status": "requires_payment_method",
    "refusal_code": "insufficient_funds",
    "payments": 3,
    "amount_cents": 4500,
}
_MOVED: Json = {
    "date": "2026-05-01",
    "currency": "USD",
    "gross": 100_000,
    "refunds": 5000,
    "disputes": 2000,
    "fees": 3200,
    "net": 89_800,
}
_DAYS: Json = {"date_from": "2026-05-01", "date_to": "2026-05-31", "time_zone": "Europe/Berlin"}


class PaymentDayTotal(Answer):
    """The payments of a day, in a currency, that stand at a status with a refusal."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAYMENTS]})

    date: Day
    currency: Currency
    status: PaymentStatus
    refusal_code: Annotated[
        str | None,
        Field(description="The `decline_code` of the payments' `last_error`, or its `code`. Null: none was refused."),
    ]
    payments: Annotated[int, Field(ge=1)]
    amount_cents: Annotated[Cents, Field(description="What they were created with, in all.")]


class PaymentTotals(Answer):
    """Totals by day, currency, status and refusal; what there is none of is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DAYS | {"data": [_PAYMENTS]}]})

    date_from: Day
    date_to: Day
    time_zone: str
    data: list[PaymentDayTotal]


class LedgerDayTotal(Answer):
    """What moved on a day in a currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MOVED]})

    date: Day
    currency: Currency
    gross: Annotated[Signed, Field(description="What payments brought in.")]
    refunds: Annotated[Signed, Field(description="What was given back; refunds that failed came back.")]
    disputes: Annotated[Signed, Field(description="What disputes took, less what they gave back.")]
    fees: Annotated[Signed, Field(description="What Stripe charged.")]
    net: Annotated[Signed, Field(description="`gross` less the three others.")]


class LedgerTotals(Answer):
    """Totals by day and currency; a day on which nothing moved is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DAYS | {"data": [_MOVED]}]})

    date_from: Day
    date_to: Day
    time_zone: str
    data: list[LedgerDayTotal]

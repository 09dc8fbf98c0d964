"""Bodies about payouts."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.stripe_balance import PayoutStatus
from schemas.http.answers import Answer, Json, Timestamp, Version

PayoutStatusFilter = PayoutStatus
"""What a list of payouts can be narrowed to."""

Amount = Annotated[int, Field(description="In the currency's smallest unit, as Stripe counts it; signed.")]
Currency = Annotated[str, Field(description="ISO 4217 code, upper case.")]

_PAYOUT: Json = {
    "id": "po_3PXample",
    "amount": 125_000,
    "currency": "USD",
    "status": "paid",
    "automatic": True,
    "failure_code": None,
    "arrival_date": "2026-05-04",
    "created_at": "2026-05-02T00:10:00.000Z",
    "version": 2,
    "updated_at": "2026-05-04T06:00:00.456Z",
}
_PAID: Json = {
    "transaction_id": "txn_3PXample",
    "source_id": "ch_3PXample",
    "category": "charge",
    "amount": 1000,
    "fee": 59,
    "net": 941,
    "currency": "USD",
    "created_at": "2026-05-01T19:37:00.000Z",
}


class PayoutView(Answer):
    """A payout as Stripe last said it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAYOUT]})

    id: PayoutId
    amount: Annotated[Amount, Field(description="Below zero: Stripe took it from the bank.")]
    currency: Currency
    status: Annotated[PayoutStatus, Field(description="One that is `paid` can still fail, for some days.")]
    automatic: Annotated[bool, Field(description="Only of automatic ones Stripe says what they pay.")]
    failure_code: str | None
    arrival_date: Annotated[date, Field(description="When it is expected at the bank, in UTC.")]
    created_at: Timestamp
    version: Version
    updated_at: Timestamp


class PayoutPage(Answer):
    """Payouts, newest first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_PAYOUT], "has_more": False, "next_cursor": None}]}
    )

    data: list[PayoutView]
    has_more: bool
    next_cursor: str | None


class PaidTransaction(Answer):
    """A row of Stripe's balance that a payout pays."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAID]})

    transaction_id: BalanceTransactionId
    source_id: Annotated[BalanceSourceId | None, Field(description="What caused it: ch_, re_, du_, ...")]
    category: Annotated[str, Field(description="Stripe's reporting category.")]
    amount: Amount
    fee: Amount
    net: Annotated[Amount, Field(description="`amount` less `fee`: the payout is the sum of these.")]
    currency: Currency
    created_at: Timestamp


class PaidTransactionPage(Answer):
    """What a payout pays, as Stripe says, newest first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_PAID], "has_more": False, "next_cursor": None}]}
    )

    data: list[PaidTransaction]
    has_more: bool
    next_cursor: str | None

"""Bodies of a merchant's view of its finance, where they are not those of finance itself."""

import datetime as dt
from typing import Annotated

from pydantic import ConfigDict, Field

from domain.ids import BalanceSourceId, BalanceTransactionId, DiscrepancyId, PaymentId
from domain.reconciliation.values import DifferenceKind, DiscrepancyStatus
from schemas.http.answers import Answer, Json, Timestamp
from schemas.http.reconciliations import ReconciliationEntryView

_ENTRY: Json = {"amount": 1000, "currency": "USD", "fee": 59, "at": "2026-05-01T10:06:40.000Z"}
_DISCREPANCY: Json = {
    "id": "5a8f4f0e-5c5d-5c0a-8f6f-0a7c51b2f6e1",
    "kind": "missing_at_stripe",
    "source_id": "ch_3PXample",
    "category": "charge",
    "date": "2026-05-01",
    "status": "open",
    "stripe": None,
    "ledger": _ENTRY,
    "transaction_ids": [],
    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "opened_at": "2026-05-02T04:00:07.250Z",
    "version": 1,
    "updated_at": "2026-05-02T04:00:07.250Z",
}


class MerchantDiscrepancyView(Answer):
    """A difference between Stripe and the ledger about a payment of the merchant, and its status."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DISCREPANCY]})

    id: DiscrepancyId
    kind: DifferenceKind
    source_id: Annotated[BalanceSourceId, Field(description="Stripe's id of what moved the money: ch_, re_, du_.")]
    category: Annotated[str, Field(description="Stripe's reporting category.")]
    date: dt.date
    status: DiscrepancyStatus
    stripe: Annotated[ReconciliationEntryView | None, Field(description="Null: Stripe does not have it.")]
    ledger: Annotated[ReconciliationEntryView | None, Field(description="Null: the ledger does not have it.")]
    transaction_ids: list[BalanceTransactionId]
    payment_id: PaymentId
    opened_at: Timestamp
    version: int
    updated_at: Timestamp


class MerchantDiscrepancyPage(Answer):
    """Discrepancies, newest day first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_DISCREPANCY], "has_more": False, "next_cursor": None}]}
    )

    data: list[MerchantDiscrepancyView]
    has_more: bool
    next_cursor: str | None

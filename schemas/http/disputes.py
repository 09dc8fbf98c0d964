"""The body of the list of disputes."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from domain.ids import PaymentId, UserId
from schemas.http.answers import Answer, Cents, Json, Timestamp, Version
from schemas.http.payment_views import DisputeView


class DisputeStage(StrEnum):
    """What a list of disputes can be narrowed to."""

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    CLOSED = "closed"


_DISPUTE: Json = {
    "id": "du_1PXample",
    "status": "needs_response",
    "reason": "fraudulent",
    "amount_cents": 1000,
    "currency": "USD",
    "evidence_due_by": "2026-12-09T23:59:59.000Z",
    "funds": "withdrawn",
    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "user_id": "test_user_123",
    "payment_amount_cents": 1000,
    "payment_currency": "USD",
    "payment_created_at": "2026-11-22T19:37:00.123Z",
    "version": 7,
    "updated_at": "2026-11-25T08:12:00.456Z",
}


class ListedDispute(DisputeView):
    """A dispute, and the payment that it is about."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DISPUTE]})

    payment_id: PaymentId
    user_id: UserId
    payment_amount_cents: Cents
    payment_currency: Annotated[str, Field(description="ISO 4217 code, upper case.")]
    payment_created_at: Timestamp
    version: Version
    updated_at: Annotated[Timestamp, Field(description="Of the payment.")]


class DisputePage(Answer):
    """Disputes, those first whose evidence is due first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_DISPUTE], "has_more": False, "next_cursor": None}]}
    )

    data: list[ListedDispute]
    has_more: bool
    next_cursor: str | None

"""The body of every error answer, `application/problem+json` (RFC 9457), as OpenAPI shows it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from domain.ids import SplitPaymentId
from domain.payment.values import PaymentStatus
from domain.split_payment.values import SplitPaymentStatus

# What a problem does not say is not there: null never comes.
Cents = Annotated[int | SkipJsonSchema[None], Field(description="In the currency's smallest unit.")]


class FieldError(BaseModel):
    """What is wrong with one field. Never repeats what was sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"field": "amount_cents", "message": "is required"}]})

    field: str
    message: str


class ProblemDispute(BaseModel):
    """The dispute that stands in the way."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "du_1PXample", "status": "needs_response"}]})

    id: str = Field(description="Stripe's (du_... or dp_...).")
    status: str = Field(description="Stripe's.")


class ProblemBody(BaseModel):
    """An error. Programs branch on `code`, which is stable; people read `detail`."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:paystream:problem:refund_amount_exceeds_refundable",
                    "title": "More than can still be refunded",
                    "status": 422,
                    "code": "refund_amount_exceeds_refundable",
                    "detail": "A refund of 60.00 USD is greater than the amount that can be refunded (40.00 USD).",
                    "request_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
                    "amount_refundable_cents": 4000,
                }
            ]
        },
    )

    type: str = Field(description="`urn:paystream:problem:` and the code.")
    title: str
    status: int = Field(ge=400, le=599, description="The HTTP status.")
    code: str
    detail: str | SkipJsonSchema[None] = None
    request_id: str | SkipJsonSchema[None] = Field(default=None, description="Names the request in the logs.")
    errors: list[FieldError] | SkipJsonSchema[None] = Field(default=None, description="Which fields are wrong.")
    amount_refundable_cents: Cents = None
    amount_refunded_cents: Cents = None
    amount_capturable_cents: Cents = None
    amount_minimum_cents: Cents = None
    amount_maximum_cents: Cents = None
    payment_status: PaymentStatus | SkipJsonSchema[None] = Field(
        default=None, description="The payment's status, which does not allow what was requested."
    )
    split_payment_status: SplitPaymentStatus | SkipJsonSchema[None] = Field(
        default=None, description="The split payment's status, which does not allow what was requested."
    )
    split_payment_id: SplitPaymentId | SkipJsonSchema[None] = Field(
        default=None, description="The split payment whose leg the payment is."
    )
    dispute: ProblemDispute | SkipJsonSchema[None] = None

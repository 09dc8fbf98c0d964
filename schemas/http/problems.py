"""The body of every error answer, `application/problem+json` (RFC 9457), as OpenAPI shows it."""

from pydantic import BaseModel, ConfigDict, Field


class FieldError(BaseModel):
    """What is wrong with one field. Never repeats what was sent."""

    field: str
    message: str


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

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    request_id: str | None = Field(default=None, description="Names the request in the logs.")
    errors: list[FieldError] | None = Field(default=None, description="With code invalid_request.")

"""What can stand between a payment and its success: shown by both APIs."""

from pydantic import BaseModel, ConfigDict


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LastError(_Shown):
    """Why the latest attempt, capture or cancellation did not work. Codes are Stripe's."""

    code: str
    decline_code: str | None
    message: str


class RefundError(_Shown):
    """Why a refund failed. Codes are Stripe's, or `refund_canceled`."""

    code: str
    message: str


class NextAction(_Shown):
    """What the payer has to do before the payment can go on."""

    type: str
    redirect_url: str | None
